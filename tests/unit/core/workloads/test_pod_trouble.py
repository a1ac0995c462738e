"""Why a pod doesn't run, as its status says it."""

from typing import Any

import pytest

from kapsa.core.workloads.pod_trouble import Trouble, find_trouble, trim_pod, trouble_of
from tests.builders import pod_manifest

ENDED = {"exitCode": 1, "reason": "Error", "message": "no DATABASE_URL"}
KILLED = {"exitCode": 137, "reason": "OOMKilled"}
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=web"}
NOT_FOUND = "failed to pull image: not found"


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a pod whose containers are in these states."""
    return pod_manifest("web", *containers, **more)


def container(
    name: str = "web", *, ready: bool = False, last: dict[str, Any] | None = None, **state: Any
) -> dict[str, Any]:
    """Return the status of a container in a state, and how it ended before."""
    before = {"lastState": {"terminated": last}} if last else {}
    return {"name": name, "ready": ready, "state": state, **before}


CRASHED = Trouble(
    "CrashLoopBackOff",
    "web",
    "it ended with exit code 1 (Error)",
    output="no DATABASE_URL",
)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(pod(), id="nothing-known-yet"),
        pytest.param(pod(container(running={}, ready=True)), id="running"),
        pytest.param(pod(container(running={})), id="running-and-not-ready-for-the-first-time"),
        pytest.param(pod(container(waiting={"reason": "ContainerCreating"})), id="being-made"),
        pytest.param(pod(container(waiting={"reason": "PodInitializing"})), id="initialising"),
        pytest.param(pod(container(terminated=ENDED), phase="Failed"), id="another-took-its-place"),
        pytest.param(
            pod(
                container(terminated=ENDED), metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}
            ),
            id="on-its-way-out",
        ),
        pytest.param(
            pod(conditions=({"type": "PodScheduled", "status": "True"},)), id="on-its-node"
        ),
        pytest.param(
            pod(container(terminated={"exitCode": 0}), restart_policy="Never"),
            id="a-job-that-ended",
        ),
        pytest.param(
            pod(container(running={}), initial=(container("init", terminated={"exitCode": 0}),)),
            id="an-init-container-that-is-done",
        ),
    ],
)
def test_no_trouble(found: dict[str, Any]) -> None:
    assert find_trouble(found) is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(pod(container(terminated=ENDED)), CRASHED, id="it-ended"),
        pytest.param(pod(container(waiting=BACK_OFF, last=ENDED)), CRASHED, id="it-waits"),
        pytest.param(pod(container(running={}, last=ENDED)), CRASHED, id="it-starts-again"),
        pytest.param(
            pod(container(running={}, ready=True, last=ENDED)),
            Trouble(**{**vars(CRASHED), "is_past": True}),
            id="it-runs-at-the-moment",
        ),
        pytest.param(
            pod(container(waiting={"reason": "RunContainerError", "message": "x"}, last=ENDED)),
            CRASHED,
            id="it-could-not-even-start-again",
        ),
        pytest.param(
            pod(container(waiting=BACK_OFF, last=KILLED)),
            Trouble("CrashLoopBackOff", "web", "it ended with exit code 137 (OOMKilled)"),
            id="too-little-memory",
        ),
        pytest.param(
            pod(container(terminated={"exitCode": 0, "reason": "Completed"})),
            Trouble("CrashLoopBackOff", "web", "it ended with exit code 0 (Completed)"),
            id="it-ended-well-and-should-not-have-ended",
        ),
        pytest.param(
            pod(container(waiting=BACK_OFF)), Trouble("CrashLoopBackOff", "web"), id="nothing-more"
        ),
        pytest.param(
            pod(container(terminated=ENDED), restart_policy="Never"),
            CRASHED,
            id="a-job-that-failed",
        ),
        pytest.param(
            pod(container(waiting={"reason": "ErrImagePull", "message": NOT_FOUND})),
            Trouble("ImagePullBackOff", "web", text=NOT_FOUND),
            id="no-image",
        ),
        pytest.param(
            pod(
                container(
                    waiting={
                        "reason": "ImagePullBackOff",
                        "message": f'Back-off pulling image "a:1": ErrImagePull: {NOT_FOUND}',
                    }
                )
            ),
            Trouble("ImagePullBackOff", "web", text=NOT_FOUND),
            id="still-no-image",
        ),
        pytest.param(
            pod(
                container(
                    waiting={"reason": "CreateContainerConfigError", "message": "must not be root"}
                )
            ),
            Trouble("CreateContainerConfigError", "web", text="must not be root"),
            id="no-container",
        ),
        pytest.param(
            pod(
                container(waiting={"reason": "PodInitializing"}),
                initial=(container("proxy-init", waiting=BACK_OFF, last=KILLED),),
            ),
            Trouble("CrashLoopBackOff", "proxy-init", "it ended with exit code 137 (OOMKilled)"),
            id="somebody-elses-container",
        ),
        pytest.param(
            pod(
                conditions=(
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient cpu.",
                    },
                )
            ),
            Trouble("Unschedulable", text="0/3 nodes are available: 3 Insufficient cpu."),
            id="no-node",
        ),
        pytest.param(
            pod(
                container("proxy", running={}, ready=True, last=KILLED),
                container(waiting=BACK_OFF, last=ENDED),
            ),
            CRASHED,
            id="what-is-troubled-now-goes-first",
        ),
    ],
)
def test_trouble(found: dict[str, Any], expected: Trouble) -> None:
    assert find_trouble(found) == expected


def test_a_container_that_ends_again_and_again_is_in_one_and_the_same_trouble() -> None:
    states = (
        container(terminated=ENDED),
        container(waiting={**BACK_OFF, "message": "back-off 10s"}, last=ENDED),
        container(running={}, last=ENDED),
        container(waiting={**BACK_OFF, "message": "back-off 20s"}, last=ENDED),
        container(waiting=BACK_OFF, last={**ENDED, "message": "12:00 no DATABASE_URL"}),
        container(running={}, ready=True, last=ENDED),
    )

    heads = {trouble.head for state in states if (trouble := find_trouble(pod(state)))}

    assert heads == {"container web: CrashLoopBackOff: it ended with exit code 1 (Error)"}


def test_what_others_say_is_bounded_and_on_one_line() -> None:
    said = "x\n" * 4000 + "https://ann:secret@example.com"
    trouble = find_trouble(pod(container(waiting={"reason": said, "message": said})))

    assert trouble is not None
    assert len(f"{trouble.head}: {trouble.text}") < 600
    assert "\n" not in f"{trouble.head}{trouble.text}"


def test_what_a_container_wrote_last_shows_without_secrets() -> None:
    said = 'reading settings\n\nno user for pass\\"word/1\n'
    trouble = find_trouble(pod(container(terminated={**ENDED, "message": said})))

    assert trouble is not None
    assert trouble.details(['pass"word/1']) == "reading settings | no user for [redacted]"
    assert trouble.details([]) == 'reading settings | no user for pass\\"word/1'


def test_nothing_that_a_container_wrote_shows_while_its_secrets_are_not_known() -> None:
    trouble = find_trouble(pod(container(terminated=ENDED)))

    assert trouble is not None
    assert trouble.details() == ""
    assert trouble.told() == trouble.head


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        pytest.param("x" * 2047, "x" * 2047, id="as-long-as-it-is-whole"),
        pytest.param("ssword\n" + "x" * 2041, "x" * 2041, id="from-its-second-line"),
        pytest.param("é" * 1024, "", id="not-where-it-is-part-of-one-line"),
    ],
)
def test_half_a_line_is_not_kept_of_what_a_container_wrote(output: str, kept: str) -> None:
    trouble = find_trouble(pod(container(terminated={**ENDED, "message": output})))

    assert trouble is not None
    assert trouble.output == kept


def test_of_a_pod_nothing_is_kept_but_who_it_is_and_its_trouble() -> None:
    troubled, well = pod(container(terminated=ENDED)), pod(container(running={}, ready=True))

    assert trouble_of(trim_pod(troubled)) == CRASHED
    assert trouble_of(trim_pod(well)) is None
    assert trim_pod(well) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {key: well["metadata"][key] for key in sorted(well["metadata"])},
    }
    assert trim_pod(pod(container(running={}, ready=True), node="node-1")) == trim_pod(well)
