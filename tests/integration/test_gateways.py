"""Hosts that a Gateway of Gateway API leads: real CRDs, and a Gateway's controller by hand.

No controller runs in the laboratory: the tests write the status that one would.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lab
from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for

Manifest = dict[str, Any]

POOL: Manifest = {
    "apiVersion": "kapsa-project.io/v1alpha1",
    "kind": "DomainPool",
    "metadata": {"name": "gateway"},
    "spec": {
        "baseDomains": ["gateway.localhost"],
        "routing": {
            "kind": "Gateway",
            "gatewayRef": {"name": "public", "namespace": "gateways", "sectionName": "http"},
        },
    },
}


@pytest.fixture
def pool(admin: lab.Platform) -> Iterator[str]:
    """A DomainPool that routes by a Gateway."""
    admin.kubectl("apply", "-f", "-", input=json.dumps(POOL))
    yield "gateway"
    admin.kubectl("delete", "domainpool", "gateway")


def say(app: Application, namespace: str, *conditions: Manifest) -> None:
    """Write what a Gateway's controller says of the route of `shop-production`."""
    said = [
        {"reason": "Test", "lastTransitionTime": "2026-01-01T00:00:00Z", "message": "", **item}
        for item in conditions
    ]
    parent = {
        "parentRef": {"name": "public", "namespace": "gateways"},
        "controllerName": "example.com/by-hand",
        "conditions": said,
    }
    app.platform.kubectl(
        "patch",
        "httproute",
        "shop-production",
        "-n",
        namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"status": {"parents": [parent]}}),
    )


def test_a_gateway_leads_the_host_and_its_verdict_shows_in_the_conditions(
    shared_operator: OperatorProcess, new_application: Callable[..., Application], pool: str
) -> None:
    app = new_application()
    sha = app.commit()
    app.apply(app.project(domain={"domainPoolRef": {"name": pool}}))
    made = app.wait_until_running("production", sha)
    namespace = made["metadata"]["namespace"]
    route = app.get("httproute", "shop-production", namespace)
    assert route is not None
    assert route["spec"]["hostnames"] == ["shop.gateway.localhost"]
    assert app.get("ingress", "shop-production", namespace) is None
    assert condition(made, "IngressReady")["reason"] == "RoutePending"

    say(app, namespace, {"type": "Accepted", "status": "True"})
    app.wait_for_condition("IngressReady", "RouteAccepted", slug="production")

    say(app, namespace, {"type": "Accepted", "status": "False", "message": "no such listener"})
    ready = app.wait_for_condition("Ready", "RouteRefused", slug="production")
    assert "no such listener" in ready["message"]

    app.platform.kubectl("delete", "httproute", "shop-production", "-n", namespace)
    wait_for(
        "the route is back",
        lambda: app.get("httproute", "shop-production", namespace),
    )
