"""Where the requests of a host lead, and what is written on the route."""

from typing import Any

import pytest

from kapsa.core.environments.environment import EnvironmentInput, plan_environment
from kapsa.core.hosts.routing import (
    annotation_refusal,
    destinations,
    refused_annotations,
    route_absence,
    route_annotations,
    wants_host,
)
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.http_route import http_route
from kapsa.core.manifests.ingress import ingress
from kapsa.models import Environment
from kapsa.models.domain_pool import GatewayReference, Routing
from kapsa.models.ingress import Ingress
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime
from tests.builders import DIGEST, environment, pool

IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
HOST = "web.apps.example.com"
API = {"name": "api", "kind": "web", "paths": ["/api", "/v2/"]}
SILENT = {"name": "hidden", "kind": "web"}
WORKER = {"name": "worker", "paths": ["/never"]}
SIZE = "nginx.ingress.kubernetes.io/proxy-body-size"
BUFFER = "nginx.ingress.kubernetes.io/proxy-buffer-size"
SNIPPET = "nginx.ingress.kubernetes.io/configuration-snippet"


def web(**spec: Any) -> Environment:
    return environment("web", image=IMAGE, **spec)


@pytest.mark.parametrize(
    ("runtime", "said", "expected"),
    [
        pytest.param({}, {}, {"web": ("/",)}, id="all-leads-to-the-main-process"),
        pytest.param({}, {"paths": ["/shop"]}, {"web": ("/shop",)}, id="or-only-its-paths"),
        pytest.param(
            {},
            {"paths": ["/shop/", "/shop", "/"]},
            {"web": ("/shop", "/")},
            id="a-slash-at-the-end-says-nothing",
        ),
        pytest.param(
            {"processes": [API, SILENT, WORKER]},
            {},
            {"web": ("/",), "api": ("/api", "/v2")},
            id="further-web-processes-have-their-own",
        ),
        pytest.param(
            {"kind": "worker", "processes": [API]},
            {},
            {"api": ("/api", "/v2")},
            id="a-main-process-that-is-a-worker-has-none",
        ),
        pytest.param({"kind": "job", "processes": [SILENT]}, {}, {}, id="and-there-may-be-none"),
    ],
)
def test_paths_lead_to_web_processes(
    runtime: dict[str, Any], said: dict[str, Any], expected: dict[str, tuple[str, ...]]
) -> None:
    found = destinations(Runtime.model_validate(runtime), Ingress.model_validate(said))
    assert {item.process.name: item.paths for item in found} == expected


@pytest.mark.parametrize(
    ("spec", "wants", "reason"),
    [
        pytest.param({}, True, None, id="routed"),
        pytest.param({"ingress": {"enabled": True}}, True, None, id="routed-if-said"),
        pytest.param(
            {"ingress": {"enabled": False}}, True, Reason.INGRESS_DISABLED, id="held-only"
        ),
        pytest.param({"runtime": {"kind": "worker"}}, False, Reason.NOTHING_TO_ROUTE, id="neither"),
    ],
)
def test_a_host_is_wanted_and_routed_where_something_answers(
    spec: dict[str, Any], wants: bool, reason: Reason | None
) -> None:
    found = web(**spec)
    absence = route_absence(found)
    assert wants_host(found) == wants
    assert (absence and absence.reason) == reason
    kinds = {item["kind"] for item in plan_environment(EnvironmentInput(found, host=HOST)).objects}
    assert ("Ingress" in kinds) == (reason is None)


@pytest.mark.parametrize(
    ("allowed", "key", "passes"),
    [
        pytest.param((), SIZE, False, id="nothing-by-default"),
        pytest.param((SIZE,), SIZE, True, id="the-very-key"),
        pytest.param((SIZE,), BUFFER, False, id="no-other-key"),
        pytest.param(("nginx.ingress.kubernetes.io/proxy-*",), BUFFER, True, id="a-beginning"),
        pytest.param(("nginx.ingress.kubernetes.io/proxy-*",), SNIPPET, False, id="another-one"),
        pytest.param(("nginx.ingress.kubernetes.io/*",), SNIPPET, True, id="a-whole-prefix"),
        pytest.param(("nginx*",), SIZE, False, id="a-star-ends-at-the-slash"),
        pytest.param(("*",), SIZE, False, id="even-one-alone"),
        pytest.param(("*",), "team", True, id="which-stands-for-keys-without-prefix"),
        pytest.param((SIZE.removesuffix("-size"),), SIZE, False, id="no-star-no-beginning"),
    ],
)
def test_the_pool_allows_keys_of_annotations(
    allowed: tuple[str, ...], key: str, passes: bool
) -> None:
    routing = Routing.model_validate({"allowedAnnotations": allowed})
    refused = refused_annotations(Ingress(annotations={key: "8m"}), routing)
    assert refused == (() if passes else (key,))


def test_an_annotation_that_is_not_allowed_is_named_with_its_pool_and_nothing_is_written() -> None:
    found = web(ingress={"annotations": {SNIPPET: "return 200;", SIZE: "8m"}})
    offered = pool("apps", routing={"allowedAnnotations": [SIZE]})
    blocked = plan_environment(EnvironmentInput(found, host=HOST, pool=offered)).blocked
    assert blocked is not None
    assert blocked.stalled
    assert blocked.reason == Reason.ANNOTATION_NOT_ALLOWED
    assert blocked.message == (
        f"spec.ingress.annotations: DomainPool apps does not allow {SNIPPET}; leave it out, or ask"
        " an admin to add it to spec.routing.allowedAnnotations of the pool"
    )
    assert annotation_refusal(found, None) is None


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        pytest.param("permanent", {"a": "own", "b": "pool", "c": "pool"}, id="permanent"),
        pytest.param("preview", {"a": "own", "b": "pool", "c": "preview"}, id="preview"),
    ],
)
def test_annotations_of_the_pool_go_over_those_of_the_environment(
    type_: str, expected: dict[str, str]
) -> None:
    found = web(type=type_, ingress={"annotations": {"a": "own", "b": "own", "c": "own"}})
    routing = {"annotations": {"b": "pool", "c": "pool"}, "previewAnnotations": {"c": "preview"}}
    assert route_annotations(found, pool("apps", routing=routing)) == expected
    assert route_annotations(found, None) == {"a": "own", "b": "own", "c": "own"}


def test_every_process_has_its_own_backend_in_both_kinds_of_routes() -> None:
    context = WorkloadContext(web(runtime={"processes": [API]}), IMAGE, host=HOST)
    (rule,) = ingress(context)["spec"]["rules"]
    services = {item["path"]: item["backend"]["service"]["name"] for item in rule["http"]["paths"]}
    assert rule["host"] == HOST
    assert services.keys() == {"/", "/api", "/v2"}
    assert services["/"] == "web"
    assert services["/api"] == services["/v2"]
    assert services["/api"].startswith("web-api-")

    gateway = GatewayReference(name="public", namespace="gateways")
    rules = http_route(context, gateway)["spec"]["rules"]
    assert {
        match["path"]["value"]: rule["backendRefs"][0]["name"]
        for rule in rules
        for match in rule["matches"]
    } == services


@pytest.mark.parametrize(("type_", "hidden"), [("preview", True), ("permanent", False)])
def test_search_engines_leave_out_what_a_gateway_leads_to_a_preview(
    type_: str, hidden: bool
) -> None:
    context = WorkloadContext(web(type=type_, runtime={"processes": [API]}), IMAGE, host=HOST)
    gateway = GatewayReference(name="public", namespace="gateways")
    for rule in http_route(context, gateway)["spec"]["rules"]:
        said = [
            header["value"]
            for item in rule.get("filters", ())
            for header in item["responseHeaderModifier"]["set"]
            if header["name"] == "X-Robots-Tag"
        ]
        assert said == (["noindex"] if hidden else [])
