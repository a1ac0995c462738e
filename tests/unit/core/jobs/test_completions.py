"""Releases, jobs and crons of an Environment: what is made when, and what its status says."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kapsa.core.conditions import Blocked, find
from kapsa.core.drift import needs_apply
from kapsa.core.environments.environment import EnvironmentInput, Plan, plan_environment
from kapsa.core.environments.environment_status import Observed, environment_status
from kapsa.core.environments.expiry import Lifetime
from kapsa.core.jobs.completions import JobFacts
from kapsa.core.jobs.jobs import job_name, run_id
from kapsa.models import Environment
from kapsa.models.environment import EnvironmentStatus
from kapsa.models.reasons import Reason
from kapsa.utils.times import from_rfc3339
from tests.builders import (
    CREATED,
    LATER,
    Manifest,
    deployment_manifest,
    environment,
    job_manifest,
    sha,
)

OLD, NEW = "registry.example.com/shop:1", "registry.example.com/shop:2"
RELEASE = {"release": {"command": ["./migrate"]}}
JOB = {"kind": "job"}
CRON = {"kind": "cron", "schedule": "@daily"}
BESIDE = {"processes": [{"name": "seed", "kind": "job"}]}
EXPIRED = Lifetime(expired=Blocked(Reason.TTL_EXPIRED, "over"))


def shop(runtime: Manifest, status: Mapping[str, Any] | None = None, **more: Any) -> Environment:
    """Return an Environment that wants the new image."""
    return environment(image=NEW, commit=sha("new"), runtime=runtime, status=status, **more)


def ran(process: str, result: str, image: str = NEW, **more: Any) -> Manifest:
    """Return the live Job of a process' run."""
    run = run_id(image)
    name = job_name(environment(), process, run)
    return job_manifest(name, result=result, run=run, **more)


def remembered(process: str, result: str, image: str = NEW) -> Manifest:
    return {"process": process, "run": run_id(image), "result": result}


def rolled_out(image: str, release: str = "Succeeded") -> Manifest:
    """Return a former roll-out."""
    return {"image": image, "startedAt": CREATED, "release": release, "result": "Succeeded"}


def known(item: Environment, jobs: Sequence[Manifest] = (), **more: Any) -> EnvironmentInput:
    return EnvironmentInput(item, jobs=JobFacts(tuple(jobs)), **more)


def names(manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return kind and process of each object."""
    process = "kapsa-project.io/process"
    return [f"{item['kind']} {item['metadata']['labels'][process]}" for item in manifests]


def short(plan: Plan) -> dict[str, Any]:
    said = {
        "objects": names(plan.objects),
        "held": plan.held.reason if plan.held else "",
        "later": names(plan.later),
        "obsolete": [job["metadata"]["name"] for job in plan.obsolete],
    }
    return {key: value for key, value in said.items() if value}


def status_of(
    facts: EnvironmentInput, *deployments: Manifest, failure: Blocked | None = None
) -> EnvironmentStatus:
    """Return the status once the plan is carried out."""
    plan = plan_environment(facts)
    jobs = [*facts.jobs.live] if failure else [*facts.jobs.live, *plan.objects]
    live = {(item["kind"], item["metadata"]["name"]): item for item in (*jobs, *deployments)}
    return environment_status(facts, plan, Observed(live, failure), LATER)


def conditions(status: EnvironmentStatus) -> dict[str, str]:
    return {item.type: f"{item.status} {item.reason}" for item in status.conditions}


OBJECTS = ["Deployment web", "Service web"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            known(shop(RELEASE)),
            {"objects": ["Job release"], "held": "ReleaseRunning", "later": OBJECTS},
            id="the-first-time",
        ),
        pytest.param(
            known(shop(RELEASE), [ran("release", "Running")]),
            {"objects": ["Job release"], "held": "ReleaseRunning", "later": OBJECTS},
            id="it-runs",
        ),
        pytest.param(
            known(shop(RELEASE), [ran("release", "Failed")]),
            {"objects": ["Job release"], "held": "ReleaseFailed", "later": OBJECTS},
            id="it-failed",
        ),
        pytest.param(
            known(shop(RELEASE), [ran("release", "Succeeded")]),
            {"objects": [*OBJECTS, "Job release"]},
            id="it-succeeded",
        ),
        pytest.param(
            known(shop(RELEASE, {"jobs": [remembered("release", "Succeeded")]})),
            {"objects": OBJECTS},
            id="it-succeeded-and-its-job-is-gone",
        ),
        pytest.param(
            known(
                shop(
                    RELEASE,
                    {
                        "jobs": [remembered("release", "Succeeded", OLD)],
                        "history": [rolled_out(OLD), rolled_out(NEW)],
                    },
                ),
                [ran("release", "Succeeded", OLD)],
            ),
            {"objects": OBJECTS},
            id="an-image-that-was-released-comes-back",
        ),
        pytest.param(
            known(shop(RELEASE, {"history": [rolled_out(NEW, "Failed")]})),
            {"objects": ["Job release"], "held": "ReleaseRunning", "later": OBJECTS},
            id="an-image-whose-release-failed-comes-back",
        ),
        pytest.param(
            known(shop(RELEASE), [ran("release", "Running", OLD)]),
            {"objects": ["Job release"], "held": "ReleaseRunning", "later": OBJECTS},
            id="a-former-one-runs-to-its-end",
        ),
        pytest.param(
            known(shop(RELEASE, {"history": [rolled_out(NEW)]}), [ran("release", "Running", OLD)]),
            {"objects": [*OBJECTS, "Job release"]},
            id="a-former-one-runs-to-its-end-though-nothing-waits",
        ),
        pytest.param(
            known(shop(RELEASE), [ran("release", "Running", OLD, ready=0)]),
            {
                "held": "ReleaseRunning",
                "later": OBJECTS,
                "obsolete": [job_name(environment(), "release", run_id(OLD))],
            },
            id="a-former-one-has-not-begun",
        ),
        pytest.param(
            known(shop(RELEASE | {"volumes": [{"name": "data", "mountPath": "/data"}]})),
            {
                "objects": ["PersistentVolumeClaim web", "Job release"],
                "held": "ReleaseRunning",
                "later": OBJECTS,
            },
            id="with-a-volume",
        ),
        pytest.param(known(shop(JOB)), {"objects": ["Job web"]}, id="a-job"),
        pytest.param(known(shop(CRON)), {"objects": ["CronJob web"]}, id="a-cron"),
        pytest.param(
            known(shop(BESIDE), [ran("seed", "Succeeded")]),
            {"objects": [*OBJECTS, "Job seed"]},
            id="a-job-that-is-done",
        ),
        pytest.param(
            known(shop(BESIDE, {"jobs": [remembered("seed", "Succeeded")]})),
            {"objects": OBJECTS},
            id="a-job-that-is-done-and-gone",
        ),
        pytest.param(
            known(shop(BESIDE), [ran("seed", "Running", OLD)]),
            {"objects": OBJECTS, "obsolete": [job_name(environment(), "seed", run_id(OLD))]},
            id="a-former-job-is-ended-first",
        ),
        pytest.param(
            known(shop(RELEASE | BESIDE), [ran("release", "Running"), ran("seed", "Running", OLD)]),
            {
                "objects": ["Job release"],
                "held": "ReleaseRunning",
                "later": OBJECTS,
            },
            id="a-job-waits-for-the-release-as-all-does",
        ),
        pytest.param(known(shop(RELEASE), lifetime=EXPIRED), {}, id="expired"),
    ],
)
def test_what_is_made_when(facts: EnvironmentInput, expected: dict[str, Any]) -> None:
    plan = plan_environment(facts)

    assert short(plan) == expected


def test_a_job_stays_what_it_is_whatever_becomes_of_the_environment() -> None:
    live = ran("web", "Running", metadata={"annotations": {"kapsa-project.io/applied": "then"}})
    changed = shop(JOB | {"env": [{"name": "A", "value": "b"}]})

    (kept,) = plan_environment(known(changed, [live])).objects

    assert kept["spec"] == live["spec"]
    assert kept["metadata"]["annotations"]["kapsa-project.io/applied"] == "then"


def test_a_job_that_has_all_its_labels_needs_no_write() -> None:
    facts = known(shop(JOB))
    (made,) = plan_environment(facts).objects
    live = made | {"status": {"ready": 1}}
    stripped = live | {"metadata": {**live["metadata"], "labels": {}}}

    (kept,) = plan_environment(known(shop(JOB), [live])).objects

    assert not needs_apply(kept, live)
    assert needs_apply(kept, stripped)


@pytest.mark.parametrize(
    ("facts", "phase", "ready", "other"),
    [
        pytest.param(
            known(shop(JOB)), "Running", "False JobRunning", "False JobRunning", id="a-job-begins"
        ),
        pytest.param(
            known(shop(JOB), [ran("web", "Succeeded")]),
            "Succeeded",
            "True Ready",
            "True JobsSucceeded",
            id="a-job-has-succeeded",
        ),
        pytest.param(
            known(shop(JOB, {"jobs": [remembered("web", "Succeeded")]})),
            "Succeeded",
            "True Ready",
            "True JobsSucceeded",
            id="a-job-that-succeeded-is-gone",
        ),
        pytest.param(
            known(shop(JOB), [ran("web", "Failed")]),
            "Failed",
            "False JobFailed",
            "False JobFailed",
            id="a-job-has-failed",
        ),
        pytest.param(known(shop(CRON)), "Running", "True Ready", "", id="a-cron"),
        pytest.param(
            known(shop(CRON | BESIDE), [ran("seed", "Succeeded")]),
            "Running",
            "True Ready",
            "True JobsSucceeded",
            id="a-cron-and-a-job-that-has-succeeded",
        ),
        pytest.param(
            known(shop(CRON | BESIDE), [ran("seed", "Running")]),
            "Deploying",
            "False JobRunning",
            "False JobRunning",
            id="a-cron-and-a-job-that-runs",
        ),
    ],
)
def test_the_status_of_what_runs_to_completion(
    facts: EnvironmentInput, phase: str, ready: str, other: str
) -> None:
    status = status_of(facts)

    said = conditions(status)
    assert (status.phase, said["Ready"], said.get("JobsSucceeded", "")) == (phase, ready, other)
    assert status.image == (NEW if ready == "True Ready" else "")
    assert ("Stalled" in said) is (phase == "Failed")
    assert ("Reconciling" in said) is ("Running" in ready)


def test_an_environment_that_has_run_to_completion_says_so() -> None:
    ready = find(status_of(known(shop(JOB), [ran("web", "Succeeded")])).conditions, "Ready")

    assert ready is not None
    assert ready.message == f"commit {sha('new')[:7]} has run to completion"


def live_deployment(image: str, commit: str) -> Manifest:
    return deployment_manifest("web", image=image, commit=sha(commit))


def test_a_job_beside_what_serves_makes_the_environment_wait_and_fail() -> None:
    serves = live_deployment(NEW, "new")

    running = status_of(known(shop(BESIDE), [ran("seed", "Running")]), serves)
    failed = status_of(known(shop(BESIDE), [ran("seed", "Failed")]), serves)

    assert (running.phase, failed.phase) == ("Deploying", "Failed")
    assert conditions(failed)["Ready"] == "False JobFailed"
    assert conditions(failed)["WorkloadAvailable"] == "True WorkloadAvailable"
    assert failed.image == NEW


def test_a_release_that_failed_leaves_the_old_version_serving_and_says_why() -> None:
    before = {"image": OLD, "commit": sha("old")}
    job = ran("release", "Failed")
    why = JobFacts((job,), {job["metadata"]["name"]: "Job x: exit code 3; its log ends: no table"})
    facts = EnvironmentInput(shop(RELEASE, before), jobs=why)

    status = status_of(facts, live_deployment(OLD, "old"))

    said = conditions(status)
    ready = find(status.conditions, "Ready")
    assert ready is not None
    assert (status.phase, said["Ready"]) == ("Failed", "False ReleaseFailed")
    assert said["ReleaseSucceeded"] == "False ReleaseFailed"
    assert said["WorkloadAvailable"] == "True WorkloadAvailable"
    assert "no table" in ready.message
    assert ready.message.endswith(f"; commit {sha('old')[:7]} keeps running")
    assert (status.image, status.commit) == (OLD, sha("old"))
    assert [(item.result, item.release) for item in status.history] == [("Failed", "Failed")]


def test_a_rollout_begins_with_its_release_and_is_done_with_its_pods() -> None:
    begun = status_of(known(shop(RELEASE)))
    released = status_of(known(shop(RELEASE), [ran("release", "Succeeded")]))
    done = status_of(
        known(shop(RELEASE), [ran("release", "Succeeded")]), live_deployment(NEW, "new")
    )

    assert [
        (item.phase, item.history[0].release, item.history[0].result)
        for item in (begun, released, done)
    ] == [
        ("Deploying", "Running", "Running"),
        ("Deploying", "Succeeded", "Running"),
        ("Running", "Succeeded", "Succeeded"),
    ]


@pytest.mark.parametrize(("stalled", "expected"), [(True, "Failed"), (False, "Running")])
def test_a_rollout_that_could_not_be_written_is_not_done_though_the_old_version_runs(
    stalled: bool, expected: str
) -> None:
    refused = Blocked(Reason.APPLY_REFUSED, "quota", stalled=stalled)

    status = status_of(known(shop({})), live_deployment(OLD, "old"), failure=refused)

    assert [(item.image, item.result) for item in status.history] == [(NEW, expected)]


def test_what_has_run_to_completion_stays_so_while_it_is_suspended() -> None:
    status = {"jobs": [remembered("web", "Succeeded")], "image": NEW}

    suspended = status_of(known(shop(JOB, status, suspend=True)))

    assert (suspended.phase, conditions(suspended)["Ready"]) == ("Succeeded", "True Suspended")


def test_what_blocks_a_rollout_is_none() -> None:
    history = [rolled_out(OLD)]
    blocked = known(shop(RELEASE, {"history": history}, suspend=True))

    assert [item.image for item in status_of(blocked).history] == [OLD]


@pytest.mark.parametrize(
    ("facts", "failure", "expected"),
    [
        pytest.param(known(shop(RELEASE)), None, ["release Running"], id="it-begins"),
        pytest.param(
            known(shop(RELEASE)),
            Blocked(Reason.APPLY_REFUSED, "no"),
            [],
            id="it-could-not-begin",
        ),
        pytest.param(
            known(shop(RELEASE, {"jobs": [remembered("release", "Failed", OLD)]})),
            Blocked(Reason.APPLY_REFUSED, "no"),
            ["release Failed"],
            id="what-was-stays-known-until-then",
        ),
        pytest.param(
            known(
                shop(JOB, {"jobs": [remembered("web", "Running", OLD)]}),
                [ran("web", "Running", OLD)],
            ),
            None,
            [],
            id="a-former-run-that-is-ended-half-way-is-forgotten",
        ),
        pytest.param(
            known(shop(JOB, {"jobs": [remembered("gone", "Succeeded")]})),
            None,
            ["web Running"],
            id="a-process-that-there-is-no-more-is-forgotten",
        ),
        pytest.param(
            known(shop(JOB, {"jobs": [remembered("web", "Succeeded")]}), lifetime=EXPIRED),
            None,
            [],
            id="what-comes-back-begins-anew",
        ),
        pytest.param(
            known(shop(JOB, {"jobs": [remembered("web", "Succeeded")]}, suspend=True)),
            None,
            ["web Succeeded"],
            id="suspended",
        ),
    ],
)
def test_what_the_status_remembers(
    facts: EnvironmentInput, failure: Blocked | None, expected: list[str]
) -> None:
    status = status_of(facts, failure=failure)

    assert [f"{item.process} {item.result}" for item in status.jobs] == expected


def test_what_comes_back_after_its_end_is_released_anew() -> None:
    status = {"history": [rolled_out(NEW)]}
    former = Lifetime(active_since=from_rfc3339(CREATED))
    anew = Lifetime(active_since=from_rfc3339(LATER))

    assert plan_environment(known(shop(RELEASE, status), lifetime=former)).held is None
    assert plan_environment(known(shop(RELEASE, status), lifetime=anew)).held is not None


def test_what_stays_while_the_release_runs_stays_in_the_list_of_objects() -> None:
    resources = [
        {"kind": kind, "name": "web", "namespace": "team-a", "ready": True}
        for kind in ("Deployment", "Ingress")
    ]
    facts = known(shop(RELEASE, {"image": OLD, "resources": resources}))

    status = status_of(facts, live_deployment(OLD, "old"))

    assert [item.kind for item in status.resources] == ["Deployment", "Job"]


@pytest.mark.parametrize(("timeout", "seconds"), [({}, 600), ({"timeout": "1m30s"}, 90)])
def test_a_release_is_ended_when_its_time_is_over(timeout: Manifest, seconds: int) -> None:
    plan = plan_environment(known(shop({"release": {"command": ["./migrate"], **timeout}})))

    (release,) = (item for item in plan.objects if item["kind"] == "Job")
    assert release["spec"]["activeDeadlineSeconds"] == seconds
