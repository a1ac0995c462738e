"""What only the operator can judge of a spec."""

from typing import Any

import pytest

from kapsa.core.problems import Problem
from kapsa.core.projects.spec_checks import (
    check_environment,
    check_image,
    check_project,
    check_subdomain,
    refusal,
)
from tests.builders import environment, pool, project

SCALED = {"autoscaling": {"enabled": True, "minReplicas": 8}}
ROOMY = {"autoscaling": {"enabled": True, "maxReplicas": 9}}
PROBED = {"probes": {"liveness": {"port": "admin"}}}
ADMIN = {"ports": [{"name": "admin", "containerPort": 9000}]}


def branch(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "branch": "main", **more}


def workers(count: int) -> list[dict[str, Any]]:
    return [{"name": f"worker-{number}"} for number in range(count)]


def promoted(name: str, source: str) -> dict[str, Any]:
    return {"name": name, "promoteFrom": source}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, [], id="nothing-said"),
        pytest.param(
            {"previewEnvironments": {"ttl": "2d", "maxLifetime": "1d23h"}},
            [
                (
                    "spec.previewEnvironments.maxLifetime: is 1d23h, less than ttl, which is 2d;"
                    " raise maxLifetime or lower ttl"
                )
            ],
            id="a-life-shorter-than-the-ttl",
        ),
        pytest.param(
            {"previewEnvironments": {"ttl": "24h", "maxLifetime": "1d"}}, [], id="a-life-of-the-ttl"
        ),
        pytest.param(
            {"previewEnvironments": {"maxLifetime": 3600}},
            [
                (
                    "spec.previewEnvironments.maxLifetime: is 3600, less than ttl, which is 7d;"
                    " raise maxLifetime or lower ttl"
                )
            ],
            id="a-life-shorter-than-the-default-ttl",
        ),
        pytest.param(
            {"environments": [promoted("a", "b"), promoted("b", "c"), branch("c")]},
            [],
            id="a-chain-of-promotions",
        ),
        pytest.param(
            {
                "environments": [
                    branch("main"),
                    promoted("d", "a"),
                    promoted("a", "b"),
                    promoted("b", "c"),
                    promoted("c", "a"),
                ]
            },
            [
                (
                    "spec.environments[2].promoteFrom: a <- b <- c <- a is a circle: nothing ever"
                    " begins it; let one of them follow a branch or a tag"
                )
            ],
            id="a-circle-is-named-once-and-not-what-follows-it",
        ),
        pytest.param(
            {
                "environments": [
                    promoted("a", "b"),
                    promoted("b", "a"),
                    promoted("c", "d"),
                    promoted("d", "c"),
                ]
            },
            [
                (
                    "spec.environments[0].promoteFrom: a <- b <- a is a circle: nothing ever begins"
                    " it; let one of them follow a branch or a tag"
                ),
                (
                    "spec.environments[2].promoteFrom: c <- d <- c is a circle: nothing ever begins"
                    " it; let one of them follow a branch or a tag"
                ),
            ],
            id="two-circles",
        ),
        pytest.param(
            {"runtime": SCALED, "environments": [branch("a")]},
            [
                (
                    "spec.runtime.autoscaling.minReplicas: is 8, more than maxReplicas, which is"
                    " 5 by default; lower minReplicas or raise maxReplicas"
                )
            ],
            id="a-default-that-contradicts-itself-is-named-once",
        ),
        pytest.param(
            {
                "runtime": SCALED,
                "environments": [branch("a", runtime=ROOMY)],
                "previewEnvironments": {"runtime": ROOMY},
            },
            [],
            id="a-default-that-everybody-mends",
        ),
        pytest.param(
            {
                "runtime": ROOMY,
                "environments": [
                    branch("a"),
                    branch("b", runtime={"autoscaling": {"minReplicas": 10}}),
                ],
            },
            [
                (
                    "spec.environments[1].runtime.autoscaling.minReplicas: is 10, more than"
                    " maxReplicas, which is 9; lower minReplicas or raise maxReplicas"
                )
            ],
            id="an-environment-that-contradicts-the-default",
        ),
        pytest.param(
            {"previewEnvironments": {"runtime": PROBED}},
            [
                (
                    "spec.previewEnvironments.runtime.probes.liveness.port: the container has no"
                    " port called admin; name one of: http"
                )
            ],
            id="a-probe-of-the-previews-without-its-port",
        ),
        pytest.param(
            {"runtime": ADMIN, "previewEnvironments": {"runtime": PROBED}},
            [],
            id="a-probe-of-a-port-of-the-defaults",
        ),
        pytest.param(
            {
                "runtime": {"processes": [{"name": "worker"}]},
                "environments": [
                    branch("a", runtime={"processes": [{"name": "nightly", "kind": "cron"}]})
                ],
                "previewEnvironments": {"enabled": False},
            },
            [
                (
                    "spec.environments[0].runtime.processes[0].schedule: is missing, and process"
                    " nightly is of kind cron; say when, such as '0 3 * * *'"
                )
            ],
            id="a-cron-without-a-schedule-beside-a-worker-of-the-defaults",
        ),
        pytest.param(
            {
                "runtime": {"processes": workers(6)},
                "environments": [branch("a", runtime={"processes": workers(12)[6:]})],
            },
            [
                (
                    "spec.environments[0].runtime.processes: has 12 items together with what it is"
                    " merged with, and 8 are the most; leave some out"
                )
            ],
            id="more-processes-together-than-there-may-be",
        ),
        pytest.param(
            {"previewEnvironments": {"enabled": False, "runtime": PROBED}},
            [],
            id="previews-that-nobody-has",
        ),
    ],
)
def test_a_project_that_contradicts_itself(spec: dict[str, Any], expected: list[str]) -> None:
    assert [str(problem) for problem in check_project(project(**spec))] == expected


def test_an_environment_is_judged_by_its_own_runtime() -> None:
    assert check_environment(environment()) == ()
    assert [problem.path for problem in check_environment(environment(runtime=PROBED))] == [
        "spec.runtime.probes.liveness.port"
    ]


PR = {"build": {"image": "ghcr.io/acme/shop:pr-{pr}"}}
DIGEST = "ghcr.io/acme/shop@sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("spec", "without"),
    [
        pytest.param({}, "", id="a-template-without-a-number"),
        pytest.param(PR, "", id="pull-requests-only"),
        pytest.param(
            {**PR, "environments": [promoted("a", "b"), branch("b", image=DIGEST)]},
            "",
            id="images-from-elsewhere",
        ),
        pytest.param(
            {**PR, "environments": [branch("a"), {"name": "b", "tag": "v*"}]},
            "a and b",
            id="permanent-environments",
        ),
        pytest.param(
            {**PR, "previewEnvironments": {"branches": {"enabled": True}}},
            "previews of branches",
            id="previews-of-branches",
        ),
        pytest.param(
            {**PR, "previewEnvironments": {"enabled": False, "branches": {"enabled": True}}},
            "",
            id="no-previews",
        ),
    ],
)
def test_who_gets_no_image_from_a_template_with_a_number(
    spec: dict[str, Any], without: str
) -> None:
    found = check_image(project(**spec))

    assert [problem.path for problem in found] == (["spec.build.image"] if without else [])
    for problem in found:
        assert problem.reason == "TemplateNeedsPullRequest"
        assert f"belongs to {without}; use" in problem.message


@pytest.mark.parametrize(
    ("domain", "path"),
    [
        pytest.param({}, None, id="the-projects-name-has-a-second-choice"),
        pytest.param({"subdomain": "www"}, "spec.domain.subdomain", id="asked-for-and-reserved"),
        pytest.param({"subdomain": "web"}, None, id="asked-for-and-free"),
    ],
)
def test_a_subdomain_that_the_pool_reserves(domain: dict[str, Any], path: str | None) -> None:
    apps = pool("apps", allocationPolicy={"reservedSubdomains": ["www", "shop"]})
    shop = project("shop", domain={"domainPoolRef": {"name": "apps"}, **domain})

    found = check_subdomain(shop, apps)

    assert [problem.path for problem in found] == ([path] if path else [])
    assert all(problem.reason == "SubdomainReserved" for problem in found)


def test_a_condition_names_the_first_problem_and_counts_the_others() -> None:
    one, two = Problem("spec.a", "is wrong"), Problem("spec.b", "is wrong, too")
    alone, together = refusal([one]), refusal([one, two])

    assert refusal([]) is None
    assert alone is not None
    assert (alone.reason, alone.message, alone.stalled) == (
        "InvalidSpec",
        "spec.a: is wrong",
        True,
    )
    assert together is not None
    assert together.message == "spec.a: is wrong (and 1 more; `kapsa validate` names them all)"
