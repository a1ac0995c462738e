"""What live routes say."""

from typing import Any

import pytest

from kapsa.core.hosts.routes import route_finding, route_refusal, routed_hosts
from kapsa.models.reasons import Reason


def http_route(*conditions: tuple[str, str, str], generation: int = 2) -> dict[str, Any]:
    """Return a live HTTPRoute of generation 2, of which a Gateway said that of `generation`."""
    said = [
        {"type": type_, "status": status, "message": message, "observedGeneration": generation}
        for type_, status, message in conditions
    ]
    return {
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "generation": 2},
        "spec": {
            "hostnames": ["web.apps.example.com"],
            "parentRefs": [{"namespace": "gateways", "name": "public"}],
            "rules": [{"matches": [{"path": {"value": "/"}}]}],
        },
        "status": {"parents": [{"conditions": said}]},
    }


INGRESS = {"kind": "Ingress", "spec": {"rules": [{"host": "a.example.com"}, {"http": {}}]}}


def test_the_hosts_of_a_route_are_those_of_its_rules_or_its_hostnames() -> None:
    assert routed_hosts(INGRESS) == ("a.example.com",)
    assert routed_hosts(http_route()) == ("web.apps.example.com",)
    assert routed_hosts({"spec": {"hostnames": None}}) == ()
    assert routed_hosts(None) == ()


@pytest.mark.parametrize(
    ("route", "status", "reason"),
    [
        pytest.param(INGRESS, True, Reason.INGRESS_READY, id="an Ingress that exists"),
        pytest.param(http_route(), False, Reason.ROUTE_PENDING, id="nobody has said a word"),
        pytest.param(
            http_route(("Accepted", "True", "")), True, Reason.ROUTE_ACCEPTED, id="accepted"
        ),
        pytest.param(
            http_route(("Accepted", "True", ""), ("ResolvedRefs", "False", "no such Service")),
            False,
            Reason.ROUTE_REFUSED,
            id="accepted without a backend",
        ),
        pytest.param(
            http_route(("Accepted", "False", "not allowed"), generation=1),
            False,
            Reason.ROUTE_PENDING,
            id="what was said of a former version doesn't count",
        ),
    ],
)
def test_the_condition_follows_the_gateways(
    route: dict[str, Any], status: bool, reason: Reason
) -> None:
    finding = route_finding(route)

    assert (finding.status, finding.reason) == (status, reason)


def test_a_refusal_names_the_gateway_the_route_and_its_words() -> None:
    refusal = route_refusal(http_route(("Accepted", "False", "hostname does not match")))

    assert refusal is not None
    assert refusal.stalled
    assert refusal.message == (
        "Gateway gateways/public does not lead requests along HTTPRoute web: hostname does not"
        " match. Ask the admin of the Gateway, or of the DomainPool"
    )
