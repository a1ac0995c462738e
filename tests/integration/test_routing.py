"""Where requests lead: Ingresses and HTTPRoutes against the real API, and hosts of one's own.

No router runs in the laboratory: the tests look at what one would be given.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.operator import NAMESPACE, OperatorProcess
from lab.scenario import Application, Manifest, condition, lone_environment, wait_for

SIZE = "nginx.ingress.kubernetes.io/proxy-body-size"
HEADERS = "nginx.ingress.kubernetes.io/custom-headers"
API = {"name": "api", "kind": "web", "ports": [{"containerPort": 9090}], "paths": ["/api", "/v2/"]}


@pytest.fixture
def pool(app: Application) -> Iterator[str]:
    """A DomainPool of this test's own, called like its base domain."""
    name = f"routing-{app.namespace}"
    offer(app)
    yield name
    app.delete("domainpool", name)


def offer(app: Application, **routing: Any) -> None:
    """Have the pool of this test route that way."""
    name = f"routing-{app.namespace}"
    app.apply(
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "DomainPool",
            "metadata": {"name": name},
            "spec": {"baseDomains": [f"{name}.localhost"], "routing": routing},
        }
    )


def at_a_gateway(**more: Any) -> dict[str, Any]:
    return {"kind": "Gateway", "gatewayRef": {"name": "public", "namespace": "gateways"}, **more}


def lone(app: Application, pool: str, name: str = "web", **spec: Any) -> Manifest:
    """Return an Environment without a Project."""
    image = f"{app.registry.host}/{app.image_repository}:v1"
    domain = {"domainPoolRef": {"name": pool}}
    return lone_environment(name, app.namespace, image=image, domain=domain, **spec)


def wait_for_ready(app: Application, reason: str, name: str = "web") -> str:
    """Wait until the Environment is Ready, or not, for that reason; return the message."""

    def look() -> str | None:
        found = condition(app.get("environment", name), "Ready")
        return found["message"] or "-" if found.get("reason") == reason else None

    return wait_for(f"{name} is {reason}", look)


def backends(route: Manifest) -> dict[str, str]:
    """Return the Services that the paths of an Ingress or HTTPRoute lead to."""
    if route["kind"] == "Ingress":
        (rule,) = route["spec"]["rules"]
        return {item["path"]: item["backend"]["service"]["name"] for item in rule["http"]["paths"]}
    return {
        match["path"]["value"]: rule["backendRefs"][0]["name"]
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    }


def annotations(app: Application, kind: str) -> dict[str, str]:
    """Return the annotations of the live route that aren't Kapsa's own."""
    found = (app.get(kind, "web") or {}).get("metadata", {}).get("annotations") or {}
    return {key: text for key, text in found.items() if not key.startswith("kapsa-project.io/")}


def wait_for_annotations(app: Application, kind: str, expected: dict[str, str]) -> None:
    wait_for(f"{kind} has {expected}", lambda: annotations(app, kind) == expected)


def host_of(app: Application, name: str = "web") -> tuple[str, str]:
    """Return host and URL in the status."""
    status = (app.get("environment", name) or {}).get("status") or {}
    return status.get("host", ""), status.get("url", "")


def routed(app: Application, name: str = "web") -> list[str]:
    ingress = app.get("ingress", name)
    return [rule["host"] for rule in ingress["spec"]["rules"]] if ingress else []


def holders(app: Application, host: str) -> list[str]:
    """Return who has claimed the host."""
    return [
        lease["metadata"]["annotations"]["kapsa-project.io/owner"]
        for lease in app.list("leases", labelSelector="kapsa-project.io/claim=host")
        if lease["metadata"]["namespace"] == NAMESPACE
        and lease["metadata"]["annotations"]["kapsa-project.io/host"] == host
    ]


@pytest.mark.parametrize(
    ("kind", "routing", "absent"),
    [("ingress", {}, "httproute"), ("httproute", at_a_gateway(), "ingress")],
)
def test_paths_lead_to_the_processes_that_ask_for_them(
    shared_operator: OperatorProcess,
    app: Application,
    pool: str,
    kind: str,
    routing: dict[str, Any],
    absent: str,
) -> None:
    app.push_image("v1")
    offer(app, **routing)
    app.apply(lone(app, pool, runtime={"processes": [API]}, ingress={"paths": ["/", "/shop"]}))
    wait_for("it is routed", lambda: app.get(kind, "web"))
    services = backends(app.get(kind, "web") or {})
    assert services.keys() == {"/", "/shop", "/api", "/v2"}
    assert services["/"] == services["/shop"] == "web"
    assert services["/api"] == services["/v2"] != "web"
    assert app.get("service", services["/api"]) is not None
    assert app.get(absent, "web") is None

    app.apply(lone(app, pool, runtime={"processes": [API | {"paths": ["/shop"]}]}))
    wait_for(
        "paths follow the spec",
        lambda: backends(app.get(kind, "web") or {}).keys() == {"/", "/shop"},
    )
    app.apply(lone(app, pool, runtime={"processes": [API | {"paths": ["/"]}]}))
    said = wait_for_ready(app, "InvalidSpec")
    assert "process web" in said
    assert "process api" in said
    assert backends(app.get(kind, "web") or {}).keys() == {"/", "/shop"}


def test_search_engines_leave_out_previews_at_a_gateway(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    offer(app, **at_a_gateway())
    app.apply(lone(app, pool), lone(app, pool, "stays", type="permanent"))
    for name, hidden in (("web", True), ("stays", False)):
        wait_for_ready(app, "Ready", name)
        route = app.get("httproute", name) or {}
        (rule,) = route["spec"]["rules"]
        filters = rule.get("filters") or []
        headers = [item["responseHeaderModifier"]["set"] for item in filters]
        assert headers == ([[{"name": "X-Robots-Tag", "value": "noindex"}]] if hidden else [])


def test_annotations_are_those_that_the_pool_allows_and_its_own_over_them(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    own = {SIZE: "8m", "example.com/team": "web"}
    app.apply(lone(app, pool, ingress={"annotations": own}))
    said = wait_for_ready(app, "AnnotationNotAllowed")
    assert SIZE in said
    assert f"DomainPool {pool}" in said
    assert app.get("ingress", "web") is None

    offer(app, allowedAnnotations=["nginx.ingress.kubernetes.io/proxy-*", "example.com/team"])
    wait_for_annotations(app, "ingress", own)
    offer(
        app,
        allowedAnnotations=["nginx.ingress.kubernetes.io/proxy-*", "example.com/team"],
        annotations={"example.com/team": "admins"},
        previewAnnotations={HEADERS: "ingress-nginx/noindex"},
    )
    over = {SIZE: "8m", "example.com/team": "admins", HEADERS: "ingress-nginx/noindex"}
    wait_for_annotations(app, "ingress", over)

    offer(app, allowedAnnotations=["example.com/team"])
    wait_for_ready(app, "AnnotationNotAllowed")
    assert annotations(app, "ingress") == over
    app.apply(lone(app, pool, ingress={"annotations": {}}))
    wait_for_annotations(app, "ingress", {})

    offer(app, **at_a_gateway(annotations={"example.com/team": "admins"}))
    wait_for_annotations(app, "httproute", {"example.com/team": "admins"})
    wait_for("the Ingress is gone", lambda: app.get("ingress", "web") is None)


def test_a_host_stays_held_while_nothing_leads_to_it(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    host = f"web.{pool}.localhost"
    app.apply(lone(app, pool))
    wait_for("it has a URL", lambda: host_of(app) == (host, f"http://{host}"))
    app.apply(lone(app, pool, ingress={"enabled": False}))
    wait_for("its Ingress is gone", lambda: app.get("ingress", "web") is None)
    wait_for("it has no URL", lambda: host_of(app) == (host, ""))
    found = condition(app.get("environment", "web"), "IngressReady")
    assert (found["status"], found["reason"]) == ("False", "IngressDisabled")
    assert holders(app, host) == [f"Environment/{app.namespace}/web"]
    app.apply(lone(app, pool, ingress={"enabled": True}))
    wait_for("it has its URL again", lambda: host_of(app) == (host, f"http://{host}"))
    wait_for("it is routed again", lambda: routed(app) == [host])


def test_a_host_of_ones_own_is_claimed_moves_and_gives_way_to_that_of_the_pool(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    sha = app.commit("main")
    own, other = f"shop.{app.namespace}.test", f"www.{app.namespace}.test"
    given = f"shop.{pool}.localhost"
    me = f"Environment/{{}}/{app.name}-production"

    def want(host: str | None) -> None:
        said = {"ingress": {"host": host}} if host else {}
        permanent = {"name": "production", "branch": "main", **said}
        domain = {"domainPoolRef": {"name": pool}}
        app.apply(app.project(domain=domain, environments=[permanent]))

    def wait_until_at(host: str) -> Manifest:
        def look() -> Manifest | None:
            found = app.environment("production")
            if found is None or (found.get("status") or {}).get("host") != host:
                return None
            meta = found["metadata"]
            ingress = app.get("ingress", meta["name"], meta["namespace"])
            rules = ingress["spec"]["rules"] if ingress else []
            return found if [rule["host"] for rule in rules] == [host] else None

        return wait_for(f"production is at {host}", look)

    want(None)
    app.wait_until_running("production", sha)
    me = me.format(wait_until_at(given)["metadata"]["namespace"])
    want(own)
    found = wait_until_at(own)
    assert found["status"]["url"] == f"http://{own}"
    assert (holders(app, own), holders(app, given)) == ([me], [me])
    want(other)
    wait_until_at(other)
    wait_for("the former one is free", lambda: holders(app, own) == [])
    want(None)
    wait_until_at(given)
    wait_for("the own one is free", lambda: holders(app, other) == [])


def test_a_host_that_somebody_else_routes_is_had_once_that_route_is_gone(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    own = f"shop.{app.namespace}.test"

    def foreign(name: str, host: str) -> Manifest:
        backend = {"service": {"name": name, "port": {"number": 80}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "namespace": app.namespace},
            "spec": {"rules": [{"host": host, "http": {"paths": [path]}}]},
        }

    app.apply(
        foreign("theirs", own),
        # The default backend of an admin is in nobody's way.
        foreign("default", f"*.{app.namespace}.test"),
        foreign("backend", f"*.{pool}.localhost"),
        lone(app, pool, ingress={"host": own}),
        lone(app, pool, "other"),
    )
    said = wait_for_ready(app, "HostTaken")
    assert f"Ingress {app.namespace}/theirs" in said
    wait_for("the other has its own", lambda: routed(app, "other") == [f"other.{pool}.localhost"])
    assert holders(app, own) == []
    app.delete("ingress", "theirs")
    wait_for("it is routed", lambda: routed(app) == [own])

    app.apply(lone(app, pool, "late", ingress={"host": own}))
    said = wait_for_ready(app, "HostTaken", "late")
    assert f"Environment/{app.namespace}/web" in said
    app.delete("environment", "web")
    wait_for("the next one has it", lambda: routed(app, "late") == [own])
    app.apply(lone(app, pool, "late", ingress={"host": f"x.{pool}.localhost"}))
    said = wait_for_ready(app, "HostNotAllowed", "late")
    assert f"{pool}.localhost" in said
    assert routed(app, "late") == [own]


def test_a_worker_has_neither_host_nor_route(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    app.apply(lone(app, pool, runtime={"kind": "worker"}))
    wait_for("it is deployed", lambda: app.get("deployment", "web"))
    wait_for("its status is told", lambda: (app.get("environment", "web") or {}).get("status"))
    assert host_of(app) == ("", "")
    assert app.get("ingress", "web") is None
    assert holders(app, f"web.{pool}.localhost") == []


def test_the_pool_names_the_holders_of_its_hosts(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    app.apply(lone(app, pool), lone(app, pool, "other"))

    def named() -> dict[str, str]:
        found = app.get("domainpool", pool, "") or {}
        listed = (found.get("status") or {}).get("allocations") or ()
        return {item["host"]: item["holder"] for item in listed}

    both = {f"{name}.{pool}.localhost": f"{app.namespace}/{name}" for name in ("other", "web")}
    wait_for("both are named", lambda: named() == both)
    app.delete("environment", "other")
    del both[f"other.{pool}.localhost"]
    wait_for("the one that is left is named", lambda: named() == both)
    text = json.dumps(app.get("domainpool", pool, ""))
    assert '"allocated": 1' in text
