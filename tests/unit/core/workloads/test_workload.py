"""What a live Deployment says of itself."""

from typing import Any

import pytest

from kapsa.core.workloads.workload import workload_of
from kapsa.models.reasons import Reason
from tests.builders import deployment_manifest, sha

GAVE_UP = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": 'ReplicaSet "web-1" has timed out progressing.',
}


def deployment(changes: dict[str, Any] | None = None, **known: Any) -> dict[str, Any]:
    """Return a live Deployment with fields of its status changed."""
    manifest = deployment_manifest("web", **known)
    manifest["status"] |= changes or {}
    return manifest


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        pytest.param(None, Reason.WORKLOAD_MISSING, id="none"),
        pytest.param(deployment(), Reason.WORKLOAD_AVAILABLE, id="rolled-out"),
        pytest.param(deployment(replicas=0), Reason.WORKLOAD_AVAILABLE, id="scaled-to-zero"),
        pytest.param(deployment(available=0), Reason.WORKLOAD_PROGRESSING, id="pods-not-ready"),
        pytest.param(
            deployment({"replicas": 2}), Reason.WORKLOAD_PROGRESSING, id="an-old-pod-still-there"
        ),
        pytest.param(
            deployment({"updatedReplicas": 0}), Reason.WORKLOAD_PROGRESSING, id="only-old-pods"
        ),
        pytest.param(
            deployment({"observedGeneration": 1}, generation=2),
            Reason.WORKLOAD_PROGRESSING,
            id="the-change-not-seen-yet",
        ),
        pytest.param(
            deployment(available=0, conditions=(GAVE_UP,)), Reason.WORKLOAD_FAILED, id="given-up"
        ),
        pytest.param(
            deployment(conditions=(GAVE_UP,)), Reason.WORKLOAD_AVAILABLE, id="recovered-afterwards"
        ),
        pytest.param(
            deployment(available=0, conditions=({**GAVE_UP, "status": "True"},)),
            Reason.WORKLOAD_PROGRESSING,
            id="still-trying",
        ),
        pytest.param(
            {"metadata": {"name": "web", "generation": 1}}, Reason.WORKLOAD_PROGRESSING, id="bare"
        ),
    ],
)
def test_workload_of(live: dict[str, Any] | None, reason: Reason) -> None:
    workload = workload_of(live)

    assert workload.finding.reason == reason
    assert workload.finding.status == workload.complete
    assert workload.complete == (reason == Reason.WORKLOAD_AVAILABLE)
    assert workload.failed == (reason == Reason.WORKLOAD_FAILED)
    assert workload.exists == (live is not None)


@pytest.mark.parametrize(
    ("live", "said"),
    [
        pytest.param(deployment(replicas=5, available=2), "at least 2 ready", id="more-to-come"),
        pytest.param(
            deployment({"replicas": 3, "updatedReplicas": 3}, replicas=5, available=3),
            "at least 2 ready",
            id="more-not-even-made-yet",
        ),
        pytest.param(
            deployment({"replicas": 4, "updatedReplicas": 4}, replicas=2, available=4),
            "at least 2 ready",
            id="fewer-to-come",
        ),
        pytest.param(deployment(replicas=1), "at least 1 ready", id="not-raised-to-the-fewest-yet"),
        pytest.param(
            deployment(replicas=0), "at least 0 ready", id="somebody-scaled-it-to-zero-by-hand"
        ),
    ],
)
def test_where_the_load_decides_it_is_enough_to_have_the_fewest_pods(
    live: dict[str, Any], said: str
) -> None:
    workload = workload_of(live, fewest=2)

    assert workload.complete
    assert workload.finding.message == said


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(deployment(replicas=5, available=1), id="fewer-than-the-fewest"),
        pytest.param(deployment({"updatedReplicas": 4}, replicas=5), id="an-old-pod-still-there"),
        pytest.param(deployment({"observedGeneration": 1}, generation=2), id="not-seen-yet"),
        pytest.param(deployment(None, available=0), id="none-ready"),
    ],
)
def test_where_the_load_decides_a_roll_out_is_still_one(live: dict[str, Any]) -> None:
    assert workload_of(live, fewest=2).finding.reason == Reason.WORKLOAD_PROGRESSING


def test_a_roll_out_that_was_given_up_says_why() -> None:
    workload = workload_of(deployment(available=0, conditions=(GAVE_UP,)))

    assert workload.finding.message == (
        'Deployment web does not get its pods ready: ReplicaSet "web-1" has timed out progressing.'
    )


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"tcpSocket": {"port": "http"}}, "once port 3000 accepts connections"),
        ({"tcpSocket": {"port": 9000}}, "once port 9000 accepts connections"),
        (
            {"httpGet": {"path": "/healthz", "port": "http"}},
            "once GET /healthz at port 3000 succeeds",
        ),
    ],
)
def test_what_is_not_ready_says_what_it_takes(probe: dict[str, Any], said: str) -> None:
    container = {
        "name": "web",
        "image": "r.example.com/a:1",
        "ports": [{"name": "http", "containerPort": 3000}],
        "readinessProbe": probe,
    }
    live = deployment(available=0)
    live["spec"]["template"]["spec"]["containers"] = [container]
    assert workload_of(live).finding.message == (
        f"Deployment web: pods are being started, and are ready {said}"
    )
    live["status"]["conditions"] = [GAVE_UP]
    assert workload_of(live).finding.message == (
        'Deployment web does not get its pods ready: ReplicaSet "web-1" has timed out progressing.'
        f" They are ready {said}"
    )


def test_image_and_commit_are_those_of_the_newest_version() -> None:
    workload = workload_of(deployment(image="r.example.com/a:1", commit=sha("a")))

    assert (workload.image, workload.commit) == ("r.example.com/a:1", sha("a"))


def test_a_container_that_a_webhook_put_first_is_not_the_application() -> None:
    live = deployment(image="r.example.com/a:1")
    live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "proxy", "image": "proxy:1"})

    assert workload_of(live).image == "r.example.com/a:1"
