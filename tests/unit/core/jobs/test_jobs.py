"""Which run of a job or release is wanted, and what became of it."""

from collections.abc import Callable
from typing import Any

import pytest

from kapsa.core.jobs.jobs import Decision, Runs, decide_job, decide_release, job_name, run_id
from kapsa.models import Environment
from kapsa.utils.names import LABEL_LIMIT
from tests.builders import CREATED, LATER, Manifest, environment, job_manifest

OLD, NEW = "registry.example.com/shop:1", "registry.example.com/shop:2"
PROCESS = "seed"
DYING = {"deletionTimestamp": CREATED}


def shop(*, requested: str = "", record: Manifest | None = None, image: str = NEW) -> Environment:
    """Return an Environment that wants an image, and whose status remembers a run."""
    annotations = {"kapsa-project.io/requestedAt": requested} if requested else {}
    return environment(
        image=image,
        metadata={"annotations": annotations},
        status={"jobs": [record]} if record else None,
    )


def remembered(image: str, result: str, requested: str = "", **more: Any) -> Manifest:
    """Return what a status remembers of a run."""
    run = run_id(image, requested)
    return {"process": PROCESS, "run": run, "result": result, "message": "", **more}


def live(image: str, result: str, requested: str = "", **more: Any) -> Manifest:
    """Return the live Job of a run."""
    run = run_id(image, requested)
    name = job_name(environment(), PROCESS, run)
    return job_manifest(name, result=result, run=run, **more)


def said(decision: Decision) -> str:
    """Return a decision in words: what is done, and what is known of the run that is wanted."""
    record = decision.record
    words = {
        "starts": decision.starts,
        "waits": decision.waits,
        "ends a former one": bool(decision.obsolete),
        record.result if record else "": record is not None,
    }
    return ", ".join(word for word, holds in words.items() if holds)


BOTH = [
    pytest.param("", None, [], "starts", id="nothing-is-known"),
    pytest.param("", None, [live(NEW, "Running")], "Running", id="killed-before-the-status-was"),
    pytest.param("", None, [live(NEW, "Succeeded")], "Succeeded", id="ended-before-the-status-was"),
    pytest.param("", None, [live(NEW, "Failed")], "Failed", id="failed-before-the-status-was"),
    pytest.param("", remembered(NEW, "Running"), [live(NEW, "Running")], "Running", id="it-runs"),
    pytest.param(
        "", remembered(NEW, "Running"), [live(NEW, "Succeeded")], "Succeeded", id="it-has-ended"
    ),
    pytest.param("", remembered(NEW, "Running"), [], "Failed", id="deleted-while-it-ran"),
    pytest.param(
        "",
        remembered(NEW, "Running"),
        [live(NEW, "Running", metadata=DYING)],
        "Failed",
        id="being-deleted-while-it-runs",
    ),
    pytest.param("", remembered(NEW, "Succeeded"), [], "Succeeded", id="deleted-when-it-was-done"),
    pytest.param("", remembered(NEW, "Failed"), [], "Failed", id="deleted-when-it-had-failed"),
    pytest.param("", remembered(OLD, "Succeeded"), [], "starts", id="another-image"),
    pytest.param("", remembered(OLD, "Failed"), [], "starts", id="another-image-than-failed"),
    pytest.param(
        "",
        remembered(OLD, "Succeeded"),
        [live(OLD, "Succeeded")],
        "starts",
        id="another-images-job",
    ),
    pytest.param("now", remembered(NEW, "Failed"), [], "starts", id="asked-for-after-it-failed"),
    pytest.param(
        "now", remembered(NEW, "Failed", "now"), [], "Failed", id="the-same-request-as-failed"
    ),
    pytest.param(
        "", remembered(NEW, "Failed", "now"), [], "Failed", id="the-request-was-taken-back"
    ),
    pytest.param(
        "later",
        remembered(NEW, "Failed", "now"),
        [live(NEW, "Failed"), live(NEW, "Failed", "now")],
        "starts",
        id="asked-for-once-more",
    ),
    pytest.param(
        "",
        remembered(OLD, "Running"),
        [live(OLD, "Running", ready=0)],
        "waits, ends a former one",
        id="the-former-has-not-begun",
    ),
    pytest.param(
        "",
        None,
        [live(OLD, "Running", metadata=DYING)],
        "waits",
        id="the-former-is-being-deleted",
    ),
]


@pytest.mark.parametrize("decide", [decide_job, decide_release], ids=["job", "release"])
@pytest.mark.parametrize(("requested", "record", "jobs", "expected"), BOTH)
def test_what_runs_to_completion_runs_once_for_an_image(
    decide: Callable[[Runs], Decision],
    requested: str,
    record: Manifest | None,
    jobs: list[Manifest],
    expected: str,
) -> None:
    runs = Runs(shop(requested=requested, record=record), PROCESS, tuple(jobs))

    assert said(decide(runs)) == expected


@pytest.mark.parametrize(
    ("record", "jobs", "job", "release"),
    [
        pytest.param(
            remembered(NEW, "Succeeded"),
            [live(NEW, "Succeeded")],
            "starts",
            "Succeeded",
            id="after-it-succeeded",
        ),
        pytest.param(
            remembered(NEW, "Running"),
            [live(NEW, "Running")],
            "waits, ends a former one",
            "Running",
            id="while-it-runs",
        ),
        pytest.param(
            None,
            [live(NEW, "Running")],
            "waits, ends a former one",
            "Running",
            id="before-it-is-told",
        ),
    ],
)
def test_a_request_repeats_a_job_but_never_a_release_that_has_not_failed(
    record: Manifest | None, jobs: list[Manifest], job: str, release: str
) -> None:
    runs = Runs(shop(requested="now", record=record), PROCESS, tuple(jobs))

    assert said(decide_job(runs)) == job
    assert said(decide_release(runs)) == release


def test_a_release_that_runs_is_let_run_to_its_end_and_a_job_is_not() -> None:
    runs = Runs(shop(record=remembered(OLD, "Running")), PROCESS, (live(OLD, "Running"),))

    assert said(decide_release(runs)) == "waits"
    assert said(decide_job(runs)) == "waits, ends a former one"


def test_jobs_of_other_processes_are_none_of_its_own() -> None:
    other = job_manifest(job_name(environment(), "web", run_id(NEW)), run=run_id(NEW))

    assert said(decide_job(Runs(shop(), PROCESS, (other,)))) == "starts"


@pytest.mark.parametrize("stripped", ["annotations", "labels"])
def test_a_job_is_known_by_its_name(stripped: str) -> None:
    job = live(NEW, "Succeeded", metadata={stripped: {}})

    assert said(decide_release(Runs(shop(), PROCESS, (job,)))) == "Succeeded"


def test_an_annotation_alone_makes_no_run() -> None:
    forged = job_manifest("mine", result="Succeeded", run=run_id(NEW))

    assert said(decide_release(Runs(shop(), PROCESS, (forged,)))) == "starts"


def test_a_run_is_remembered_with_its_times_and_why_it_failed() -> None:
    job = live(NEW, "Failed")
    name = job["metadata"]["name"]

    told = decide_job(Runs(shop(), PROCESS, (job,), {name: "exit code 3"})).record

    assert told is not None
    assert told.to_json() == {
        "process": PROCESS,
        "run": run_id(NEW),
        "result": "Failed",
        "startedAt": CREATED,
        "endedAt": LATER,
        "message": "exit code 3",
    }


def test_what_was_remembered_of_a_failure_stays() -> None:
    record = remembered(NEW, "Failed", message="no route to host")
    runs = Runs(shop(record=record), PROCESS, (live(NEW, "Failed"),))

    told = decide_job(runs).record

    assert told is not None
    assert told.message == "no route to host"


def test_a_job_that_was_deleted_while_it_ran_says_how_to_run_it_again() -> None:
    told = decide_release(Runs(shop(record=remembered(NEW, "Running")), PROCESS)).record

    assert told is not None
    assert "kapsa-project.io/requestedAt" in told.message


def test_the_name_of_a_job_is_a_label_that_tells_apart_what_it_runs_for() -> None:
    long = environment("a" + "b" * 62)
    names = {
        job_name(item, process, run)
        for item in (environment("web"), environment("web-a"), long)
        for process in ("release", "a", "a-release")
        for run in (run_id(OLD), run_id(NEW), run_id(NEW, "now"), run_id(NEW, "later"))
    }

    assert len(names) == 3 * 3 * 4
    assert max(map(len, names)) <= LABEL_LIMIT
