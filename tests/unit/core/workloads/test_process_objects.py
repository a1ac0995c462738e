"""What the lasting processes of an Environment become."""

from typing import Any

import pytest

from kapsa.core.environments.environment import EnvironmentInput, plan_environment
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.workloads.process_objects import process_objects
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, environment

IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
WORKER = {"name": "worker", "kind": "worker"}
API = {"name": "api", "kind": "web"}


def objects(**runtime: Any) -> list[dict[str, Any]]:
    return list(process_objects(WorkloadContext(environment("web", runtime=runtime), IMAGE)))


def kinds(**runtime: Any) -> list[str]:
    """Return what there is, as `<kind> <process>`."""
    return [
        f"{item['kind']} {item['metadata']['labels']['kapsa-project.io/process']}"
        for item in objects(**runtime)
    ]


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        pytest.param({}, ["Deployment web", "Service web"], id="nothing-said"),
        pytest.param({"kind": "worker"}, ["Deployment web"], id="a-worker-has-no-service"),
        pytest.param({"kind": "job"}, [], id="a-job-does-not-last"),
        pytest.param({"kind": "cron", "schedule": "@daily"}, [], id="nor-does-a-cron"),
        pytest.param(
            {"processes": [WORKER, API]},
            [
                "Deployment web",
                "Service web",
                "Deployment worker",
                "Deployment api",
                "Service api",
            ],
            id="each-process-has-its-own",
        ),
        pytest.param(
            {"replicas": 2, "processes": [WORKER]},
            ["Deployment web", "Service web", "PodDisruptionBudget web", "Deployment worker"],
            id="several-pods-have-a-budget",
        ),
        pytest.param(
            {"processes": [{**WORKER, "replicas": 3}]},
            ["Deployment web", "Service web", "Deployment worker", "PodDisruptionBudget worker"],
            id="those-of-a-worker-too",
        ),
        pytest.param(
            {"replicas": 5, "autoscaling": {"enabled": True}},
            ["Deployment web", "Service web", "HorizontalPodAutoscaler web"],
            id="the-load-may-ask-for-one-pod",
        ),
        pytest.param(
            {"replicas": 1, "autoscaling": {"enabled": True, "minReplicas": 2}},
            [
                "Deployment web",
                "Service web",
                "HorizontalPodAutoscaler web",
                "PodDisruptionBudget web",
            ],
            id="the-load-asks-for-two-at-least",
        ),
        pytest.param({"replicas": 0}, ["Deployment web", "Service web"], id="asleep"),
    ],
)
def test_what_there_is(runtime: dict[str, Any], expected: list[str]) -> None:
    assert kinds(**runtime) == expected


def test_no_service_and_no_budget_selects_another_processes_pods() -> None:
    made = objects(replicas=2, processes=[WORKER, {**API, "replicas": 2}])
    pods = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in made
        if item["kind"] == "Deployment"
    }

    for item in made:
        selector = item["spec"].get("selector")
        wanted = selector.get("matchLabels", selector)
        hit = [name for name, found in pods.items() if wanted.items() <= found.items()]
        assert hit == [item["metadata"]["name"]], item["kind"]


@pytest.mark.parametrize("runtime", [{}, {"replicas": 2}, {"autoscaling": {"enabled": True}}])
def test_pods_are_spread_as_far_as_can_be(runtime: dict[str, Any]) -> None:
    deployment, *_ = objects(**runtime)

    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]

    assert [item["topologyKey"] for item in spread] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    for item in spread:
        assert item["whenUnsatisfiable"] == "ScheduleAnyway"
        assert item["labelSelector"] == deployment["spec"]["selector"]


@pytest.mark.parametrize(
    "scaled",
    [
        {"replicas": 0},
        {"replicas": 1},
        {"replicas": 3},
        {"autoscaling": {"enabled": True, "minReplicas": 2}},
    ],
)
def test_scaling_leaves_the_pods_that_run_as_they_are(scaled: dict[str, Any]) -> None:
    before, *_ = objects()
    after, *_ = objects(**scaled)

    assert after["spec"]["template"] == before["spec"]["template"]


def test_the_operator_may_forbid_a_profile() -> None:
    lax = environment("web", image=IMAGE, runtime={"security": {"profile": "baseline"}})

    refused = plan_environment(EnvironmentInput(lax))
    allowed = plan_environment(EnvironmentInput(lax, pod_security="baseline"))

    assert refused.objects == ()
    assert refused.blocked is not None
    assert (refused.blocked.reason, refused.blocked.stalled) == (Reason.PROFILE_NOT_ALLOWED, True)
    assert "KAPSA_POD_SECURITY" in refused.blocked.message
    assert allowed.blocked is None


@pytest.mark.parametrize("profile", ["restricted", None])
def test_the_strict_profile_is_always_allowed(profile: str | None) -> None:
    strict = environment("web", image=IMAGE, runtime={"security": {"profile": profile}})

    for laxest in ("restricted", "baseline"):
        assert plan_environment(EnvironmentInput(strict, pod_security=laxest)).blocked is None
