"""The status of an Environment."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from kapsa.core.conditions import Blocked, find
from kapsa.core.environments.environment import EnvironmentInput, plan_environment
from kapsa.core.environments.environment_status import Observed, environment_status
from kapsa.core.environments.expiry import Lifetime
from kapsa.core.workloads.configuration import Configuration
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.models import Environment
from kapsa.models.environment import EnvironmentStatus
from kapsa.models.reasons import Reason
from tests.builders import (
    CREATED,
    DIGEST,
    deployment_manifest,
    environment,
    pod_manifest,
    pool,
    project,
    sha,
)

BIRTH = 1_767_225_600.0
NOW = "2026-02-01T00:00:00Z"
OLD, NEW = sha("old"), sha("new")
IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
HOST = "web.apps.example.com"
LOOKING = Blocked(Reason.IMAGE_NOT_FOUND, "image a:1 does not exist yet", retry_after=15)
TAKEN = Blocked(Reason.HOST_TAKEN, "it is taken", stalled=True)
GAVE_UP = {"type": "Progressing", "status": "False", "message": "timed out"}
BOUND = {"secretRefs": [{"name": "db"}]}
RUNNING = {"commit": OLD, "image": IMAGE, "host": HOST}


def web(status: dict[str, Any] | None = None, **more: Any) -> Environment:
    """Return an Environment that should run the new commit."""
    return environment("web", **({"image": IMAGE, "commit": NEW, "status": status} | more))


def live(**changes: Any) -> dict[tuple[str, str], Any]:
    """Return live objects: a Deployment, rolled out at the new commit, and its Ingress."""
    ingress = {"kind": "Ingress", "spec": {"rules": [{"host": HOST}]}}
    deployment = deployment_manifest("web", **({"commit": NEW, "image": IMAGE} | changes))
    return {("Deployment", "web"): deployment, ("Ingress", "web"): ingress}


def status_of(
    item: Environment,
    objects: dict[tuple[str, str], Any] | None = None,
    failure: Blocked | None = None,
    pods: tuple[Any, ...] = (),
    **more: Any,
) -> EnvironmentStatus:
    """Return the status that an Environment gets."""
    known = EnvironmentInput(item, **more)
    observed = Observed(live() if objects is None else objects, failure, pods)
    return environment_status(known, plan_environment(known), observed, NOW)


def conditions(status: EnvironmentStatus) -> dict[str, str]:
    """Return status and reason of each condition."""
    return {item.type: f"{item.status} {item.reason}" for item in status.conditions}


def message(status: EnvironmentStatus, type_: str = "Ready") -> str:
    """Return what a condition says."""
    found = find(status.conditions, type_)
    assert found is not None
    return found.message


@pytest.mark.parametrize(
    ("status", "phase", "ready"),
    [
        pytest.param(status_of(web()), "Running", "True Ready", id="all-pods-are-ready"),
        pytest.param(
            status_of(web(), {}), "Deploying", "False WorkloadMissing", id="no-deployment-yet"
        ),
        pytest.param(
            status_of(web(), live(available=0)),
            "Deploying",
            "False WorkloadProgressing",
            id="pods-are-starting",
        ),
        pytest.param(
            status_of(web(), live(available=0, conditions=(GAVE_UP,))),
            "Failed",
            "False WorkloadFailed",
            id="pods-do-not-get-ready",
        ),
        pytest.param(
            status_of(web(image=None), image=LOOKING),
            "Building",
            "False ImageNotFound",
            id="the-image-is-missing",
        ),
        pytest.param(
            status_of(web(image=None)), "Building", "False ImagePending", id="nobody-looked-yet"
        ),
        pytest.param(
            status_of(web(image=None), image=LOOKING, host=TAKEN),
            "Failed",
            "False HostTaken",
            id="the-host-is-taken",
        ),
        pytest.param(
            status_of(web(), host=Blocked(Reason.HOST_PENDING, "wait")),
            "Pending",
            "False HostPending",
            id="the-host-is-not-free-yet",
        ),
        pytest.param(
            status_of(web(), failure=Blocked(Reason.APPLY_REFUSED, "no", stalled=True)),
            "Failed",
            "False ApplyRefused",
            id="the-api-server-refuses-an-object",
        ),
        pytest.param(
            status_of(web(suspend=True)), "Running", "True Suspended", id="suspended-while-running"
        ),
        pytest.param(
            status_of(web(suspend=True), {}), "Pending", "False Suspended", id="suspended-before"
        ),
        pytest.param(
            status_of(web(metadata={"deletionTimestamp": CREATED})),
            "Terminating",
            "True Ready",
            id="on-its-way-out",
        ),
        pytest.param(
            status_of(web(), trust=Blocked(Reason.PROJECT_NOT_FOUND, "gone", stalled=True)),
            "Failed",
            "False ProjectNotFound",
            id="its-project-is-gone",
        ),
        pytest.param(
            status_of(
                web(metadata={"labels": {"app.kubernetes.io/managed-by": "kapsa"}}),
                trust=Blocked(Reason.PROJECT_NOT_FOUND, "gone", stalled=True),
            ),
            "Terminating",
            "False ProjectNotFound",
            id="the-project-that-made-it-is-gone",
        ),
    ],
)
def test_phase_and_readiness(status: EnvironmentStatus, phase: str, ready: str) -> None:
    assert status.phase == phase
    assert conditions(status)["Ready"] == ready


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(status_of(web()), {}, id="neither-when-all-is-well"),
        pytest.param(
            status_of(web(), live(available=0)),
            {"Reconciling": "True WorkloadProgressing"},
            id="reconciling-while-pods-start",
        ),
        pytest.param(
            status_of(web(), live(available=0, conditions=(GAVE_UP,))),
            {"Stalled": "True WorkloadFailed"},
            id="stalled-when-they-do-not",
        ),
        pytest.param(
            status_of(web(), host=TAKEN), {"Stalled": "True HostTaken"}, id="stalled-by-the-host"
        ),
        pytest.param(status_of(web(suspend=True)), {}, id="neither-when-suspended"),
    ],
)
def test_progress(status: EnvironmentStatus, expected: dict[str, str]) -> None:
    found = conditions(status)

    assert {key: found[key] for key in ("Reconciling", "Stalled") if key in found} == expected


def test_what_runs_is_told_with_its_url() -> None:
    status = status_of(web(), host=HOST, pool=pool())

    assert message(status) == f"commit {NEW[:7]} runs at http://{HOST}"
    assert (status.url, status.host) == (f"http://{HOST}", HOST)
    assert (status.commit, status.image) == (NEW, IMAGE)
    assert conditions(status) == {
        "Ready": "True Ready",
        "ImageReady": "True ImageReady",
        "HostAllocated": "True HostAllocated",
        "WorkloadAvailable": "True WorkloadAvailable",
        "IngressReady": "True IngressReady",
    }


def test_without_a_commit_the_image_is_told() -> None:
    status = status_of(web(commit=None), live(commit=""))

    assert message(status) == f"{IMAGE} runs"


def test_while_the_new_commit_has_no_image_the_old_one_keeps_running() -> None:
    status = status_of(web(RUNNING, image=None), live(commit=OLD), image=LOOKING)

    assert message(status) == f"image a:1 does not exist yet; commit {OLD[:7]} keeps running"
    assert (status.commit, status.image) == (OLD, IMAGE)


def test_a_roll_out_in_progress_does_not_move_what_runs() -> None:
    status = status_of(web(RUNNING), live(available=0))

    assert status.commit == OLD


def test_what_was_rolled_out_before_a_failure_is_what_keeps_running() -> None:
    status = status_of(web(RUNNING), failure=Blocked(Reason.API_SERVER_UNAVAILABLE, "no answer"))

    assert message(status) == f"no answer; commit {NEW[:7]} keeps running"


@pytest.mark.parametrize(
    ("item", "objects"),
    [
        pytest.param(web(image=None), {}, id="nothing-ran-before"),
        pytest.param(web(RUNNING, image=None), {}, id="the-deployment-is-gone"),
        pytest.param(web({"image": IMAGE}, image=None), live(available=0), id="no-commit-is-known"),
    ],
)
def test_nothing_is_said_to_keep_running_that_does_not(
    item: Environment, objects: dict[tuple[str, str], Any]
) -> None:
    assert message(status_of(item, objects, image=LOOKING)) == LOOKING.message


def test_a_long_message_still_says_what_keeps_running() -> None:
    failure = Blocked(Reason.APPLY_REFUSED, "x" * 5000, stalled=True)

    said = message(status_of(web(RUNNING), failure=failure))

    assert len(said) == 1024
    assert said.endswith(f"…; commit {NEW[:7]} keeps running")


GONE = Blocked(Reason.DOMAIN_POOL_NOT_FOUND, "DomainPool apps does not exist", stalled=True)


@pytest.mark.parametrize(
    ("objects", "host"),
    [
        pytest.param(live(), HOST, id="stays-while-it-is-routed"),
        pytest.param({}, "", id="goes-when-it-is-not"),
    ],
)
def test_the_host_of_an_environment_whose_pool_is_gone(
    objects: dict[tuple[str, str], Any], host: str
) -> None:
    status = status_of(web(RUNNING), objects, host=GONE)

    assert status.host == host
    assert conditions(status)["HostAllocated"] == "False DomainPoolNotFound"


def test_without_a_domain_there_is_neither_host_nor_condition() -> None:
    status = status_of(web(RUNNING))

    assert (status.host, status.url) == ("", "")
    assert "HostAllocated" not in conditions(status)


def test_resources_are_those_of_the_plan() -> None:
    status = status_of(web(), live(available=0), host=HOST, pool=pool())

    assert [(item.kind, item.ready) for item in status.resources] == [
        ("Deployment", False),
        ("Service", False),
        ("Ingress", True),
    ]


def test_resources_stay_as_they_were_while_something_blocks() -> None:
    before = [{"kind": "Deployment", "name": "web", "namespace": "team-a", "ready": True}]
    status = status_of(web({"resources": before}, suspend=True))

    assert [item.to_json() for item in status.resources] == before


def test_a_request_to_reconcile_is_echoed() -> None:
    asked = {"annotations": {"kapsa-project.io/requestedAt": "t" * 100}}

    assert status_of(web(metadata=asked)).last_handled_requested_at == "t" * 64


LIFE = Lifetime(
    active_since=BIRTH,
    last_activity_at=BIRTH + 60,
    last_activity_of=NEW,
    expires_at=BIRTH + 120,
)
OVER = replace(LIFE, expired=Blocked(Reason.TTL_EXPIRED, "it is over"))


def test_the_times_of_its_life_are_told() -> None:
    status = status_of(web(), lifetime=LIFE)

    assert status.active_since == CREATED
    assert status.last_activity_at == "2026-01-01T00:01:00Z"
    assert status.last_activity_of == NEW
    assert status.expires_at == "2026-01-01T00:02:00Z"
    assert "Expired" not in conditions(status)


def test_an_expired_one_keeps_nothing_but_its_host_and_is_neither_stalled_nor_reconciling() -> None:
    status = status_of(
        web(RUNNING, of=project()), host=HOST, pool=pool(), lifetime=OVER, project=project()
    )

    assert conditions(status) == {
        "Ready": "False TtlExpired",
        "HostAllocated": "True HostAllocated",
        "Expired": "True TtlExpired",
    }
    assert message(status) == message(status, "Expired") == "it is over"
    assert (status.phase, status.host, status.url) == ("Expired", HOST, "")
    assert (status.commit, status.image, status.resources) == ("", "", ())


def test_what_goes_wrong_while_it_is_cleaned_up_is_told() -> None:
    failure = Blocked(Reason.API_SERVER_UNAVAILABLE, "no answer")
    status = status_of(web(of=project()), failure=failure, lifetime=OVER, project=project())

    assert conditions(status) == {
        "Ready": "False ApiServerUnavailable",
        "Reconciling": "True ApiServerUnavailable",
        "Expired": "True TtlExpired",
    }
    assert status.phase == "Expired"


def test_an_extension_that_is_ignored_is_told_while_it_runs_on() -> None:
    status = status_of(web(), lifetime=replace(LIFE, problem="soon is no time"))

    assert conditions(status)["Ready"] == "True Ready"
    assert conditions(status)["Expired"] == "False ExtensionInvalid"
    assert message(status, "Expired") == "soon is no time"


def test_with_autoscaling_it_runs_while_more_pods_are_on_their_way() -> None:
    scaled = web(runtime={"autoscaling": {"enabled": True, "minReplicas": 2}})
    autoscaler = {("HorizontalPodAutoscaler", "web"): {"kind": "HorizontalPodAutoscaler"}}
    status = status_of(scaled, live(replicas=5, available=2) | autoscaler)

    assert status.phase == "Running"
    assert conditions(status)["Ready"] == "True Ready"
    assert {item.kind: item.ready for item in status.resources} == {
        "Deployment": True,
        "Service": False,
        "HorizontalPodAutoscaler": True,
        "PodDisruptionBudget": False,
    }


def test_a_suspended_project_suspends_its_environments() -> None:
    status = status_of(web(), project=project(suspend=True))

    assert conditions(status)["Ready"] == "True Suspended"


UNREADABLE = Blocked(Reason.SECRET_NOT_FOUND, "there is no Secret db")
READ = Configuration(secrets=({"PASSWORD": b64encode(b"pa55word").decode()},))


@pytest.mark.parametrize(
    ("runtime", "configuration", "shown"),
    [
        pytest.param({}, None, ": no user for pa55word", id="it-names-no-secret"),
        pytest.param(BOUND, READ, ": no user for [redacted]", id="it-names-one"),
        pytest.param(BOUND, UNREADABLE, "", id="one-that-cannot-be-read"),
        pytest.param(BOUND, None, "", id="one-that-was-not-read"),
    ],
)
def test_what_a_crashing_container_wrote_shows_without_secrets(
    runtime: dict[str, Any], configuration: Configuration | Blocked | None, shown: str
) -> None:
    ended = {"exitCode": 1, "reason": "Error", "message": "no user for pa55word"}
    crashing = {"name": "web", "state": {"terminated": ended}}
    pod = trim_pod(pod_manifest("web", crashing))

    status = status_of(
        web(runtime=runtime), live(available=0), pods=(pod,), configuration=configuration
    )

    assert message(status, "WorkloadAvailable") == (
        f"process web: container web: CrashLoopBackOff: it ended with exit code 1 (Error){shown}"
    )


def test_the_same_again_is_the_same_status() -> None:
    first = status_of(web())

    assert status_of(web(first.to_json())) == first
