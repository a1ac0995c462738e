from __future__ import annotations

import socket

import pytest

from lab.process import free_port
from lab.routing import Routing
from lab.servers.traefik_objects import IDENTITY, objects

KAPSAS = "https://pr-1-shop.apps.localhost"


def test_a_url_opens_as_it_is_where_the_router_has_the_usual_ports() -> None:
    routing = Routing(80, 443)
    assert routing.address(KAPSAS) == KAPSAS
    assert routing.advice == ""


@pytest.mark.parametrize(
    ("url", "opens"),
    [
        (KAPSAS, f"{KAPSAS}:8443"),
        (f"{KAPSAS}/a?b=c", f"{KAPSAS}:8443/a?b=c"),
        ("http://shop.apps.localhost/", "http://shop.apps.localhost:8080/"),
    ],
)
def test_a_url_gets_the_port_that_the_router_has_instead(url: str, opens: str) -> None:
    routing = Routing(8080, 8443)
    assert routing.address(url) == opens
    assert routing.advice == "add :8443 to https:// URLs, :8080 to http:// URLs"


def test_the_preferred_port_is_taken_only_where_it_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        wanted = listener.getsockname()[1]
        listener.listen()
        assert free_port(wanted) != wanted
    assert free_port(wanted) == wanted


def test_the_router_reads_and_writes_nothing_but_status() -> None:
    made = {item["kind"]: item for item in objects()}
    rules = made["ClusterRole"]["rules"]
    writes = [rule for rule in rules if not {"get", "list", "watch"}.issuperset(rule["verbs"])]
    assert all(rule["verbs"] == ["update"] for rule in writes)
    assert all(name.endswith("/status") for rule in writes for name in rule["resources"])
    assert not any("*" in (*rule["resources"], *rule["verbs"]) for rule in rules)
    assert made["ClusterRoleBinding"]["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": IDENTITY}
    ]
