"""What contradicts itself in the routing of an environment."""

from typing import Any

import pytest

from kapsa.core.projects.spec_checks import check_environment, check_project
from tests.builders import environment, project

DOMAIN = {"domainPoolRef": {"name": "apps"}}
API = {"name": "api", "kind": "web", "paths": ["/api"]}
OWN = {"host": "shop.example.com"}
NEEDS_DOMAIN = (
    "a host of one's own is routed as a DomainPool says; name one in spec.domain.domainPoolRef"
)


def processes(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"processes": list(items), **more}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"runtime": processes(API)}, [], id="a-path-for-each"),
        pytest.param(
            {"runtime": processes(API), "ingress": {"paths": ["/shop", "/api/"]}},
            [
                (
                    "spec.runtime.processes: /api leads to process web and to process api; leave it"
                    " to one of them"
                )
            ],
            id="one-of-the-main-process",
        ),
        pytest.param(
            {"runtime": processes({**API, "paths": ["/"]})},
            [
                (
                    "spec.runtime.processes: / leads to process web and to process api; leave it to"
                    " one of them"
                )
            ],
            id="the-one-that-nobody-said",
        ),
        pytest.param(
            {"runtime": processes(API, {**API, "name": "v2"})},
            [
                (
                    "spec.runtime.processes: /api leads to process api and to process v2; leave it"
                    " to one of them"
                )
            ],
            id="of-two-further-ones",
        ),
        pytest.param(
            {"runtime": processes({**API, "paths": ["/"]}, kind="worker")},
            [],
            id="a-worker-takes-no-path",
        ),
        pytest.param(
            {"runtime": {"kind": "worker"}, "ingress": {"paths": ["/"]}},
            [
                (
                    "spec.ingress.paths: lead to the main process, which is a worker and answers no"
                    " requests; leave them out, or set runtime.kind to web"
                )
            ],
            id="paths-to-a-worker",
        ),
        pytest.param({"ingress": OWN, "domain": DOMAIN}, [], id="a-host-of-its-own"),
        pytest.param(
            {"ingress": OWN}, [f"spec.ingress.host: {NEEDS_DOMAIN}"], id="that-nothing-routes"
        ),
        pytest.param(
            {"ingress": {"host": "10.0.0.1"}, "domain": DOMAIN},
            [
                (
                    "spec.ingress.host: 10.0.0.1 is an address, which no route can lead; it must be"
                    " a name"
                )
            ],
            id="an-address",
        ),
    ],
)
def test_environments(spec: dict[str, Any], expected: list[str]) -> None:
    assert list(map(str, check_environment(environment("web", **spec)))) == expected


def permanent(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "branch": "main", **more}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {
                "runtime": processes({**API, "paths": ["/"]}),
                "environments": [permanent("a"), permanent("b")],
            },
            [
                (
                    "spec.runtime.processes: / leads to process web and to process api; leave it to"
                    " one of them"
                )
            ],
            id="what-all-inherit-is-said-once",
        ),
        pytest.param(
            {
                "runtime": processes(API),
                "environments": [permanent("a", ingress={"paths": ["/api"]})],
            },
            [
                (
                    "spec.environments[0].runtime.processes: /api leads to process web and to"
                    " process api; leave it to one of them"
                )
            ],
            id="of-the-merged-layers",
        ),
        pytest.param(
            {
                "ingress": {"paths": ["/shop"]},
                "previewEnvironments": {"runtime": {"kind": "worker"}, "ingress": {"paths": []}},
            },
            [],
            id="an-empty-list-takes-the-paths-away",
        ),
        pytest.param(
            {
                "ingress": {"paths": ["/shop"]},
                "previewEnvironments": {"runtime": {"kind": "worker"}},
            },
            [
                (
                    "spec.previewEnvironments.ingress.paths: lead to the main process, which is a"
                    " worker and answers no requests; leave them out, or set runtime.kind to web"
                )
            ],
            id="previews-inherit-paths-that-they-can-not-use",
        ),
        pytest.param(
            {
                "domain": DOMAIN,
                "environments": [permanent("a", ingress=OWN), permanent("b", ingress=OWN)],
            },
            [
                (
                    "spec.environments[1].ingress.host: environment a has shop.example.com already;"
                    " only one can have a host"
                )
            ],
            id="one-host-for-two",
        ),
        pytest.param(
            {"environments": [permanent("a", ingress=OWN)]},
            [f"spec.environments[0].ingress.host: {NEEDS_DOMAIN}"],
            id="a-host-that-nothing-routes",
        ),
    ],
)
def test_projects(spec: dict[str, Any], expected: list[str]) -> None:
    assert list(map(str, check_project(project("shop", **spec)))) == expected
