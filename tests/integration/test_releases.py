"""What runs to completion: releases before roll-outs, jobs once per image, crons at their times.

The laboratory's nodes run nothing: a Job whose command is `false` fails, `sleep` never ends, and
everything else succeeds.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.operator import OperatorProcess
from lab.scenario import (
    Application,
    Manifest,
    condition,
    is_ready,
    lone_environment,
    wait_for,
)
from lab.servers.kwok_stages import LOG
from tests.integration.api_proxy import proxied, through
from tests.integration.audit import operator_writes

WORKS, FAILS, LASTS = ["./migrate"], ["false"], ["sleep", "infinity"]
SECRET = LOG[0].split()[-1]


@pytest.fixture
def image(app: Application) -> Callable[[int], str]:
    """Returns images by number; the node pulls none."""
    return lambda number: f"{app.registry.host}/{app.image_repository}:{number}"


def _apply(app: Application, image: str, **runtime: Any) -> None:
    app.apply(lone_environment("web", app.namespace, image=image, runtime=runtime))


def _request(app: Application) -> None:
    app.annotate("environment", "web", app.namespace, requestedAt=str(time.time_ns()))


def _environment(app: Application) -> Manifest:
    return app.get("environment", "web") or {}


def _status(app: Application) -> Manifest:
    return dict(_environment(app).get("status") or {})


def _runs(app: Application, image: str) -> None:
    wait_for(
        f"{image} runs",
        lambda: is_ready(_environment(app)) and _status(app).get("image") == image,
    )


def _reason(app: Application, reason: str) -> Manifest:
    def look() -> Manifest | None:
        ready = condition(_environment(app), "Ready")
        return ready if ready.get("reason") == reason else None

    return wait_for(f"Ready has reason {reason}", look)


def _jobs(app: Application, process: str) -> list[Manifest]:
    labels = f"kapsa-project.io/environment=web,kapsa-project.io/process={process}"
    found = app.list("jobs", labelSelector=labels)
    return [job for job in found if job["metadata"]["namespace"] == app.namespace]


def _job(app: Application, process: str) -> Manifest:
    return wait_for(f"a Job of {process}", lambda: next(iter(_jobs(app, process)), None))


def _running_job(app: Application, process: str) -> str:
    """Return the name of the process' Job, once its container runs."""

    def look() -> str:
        running = (job for job in _jobs(app, process) if job["status"].get("ready"))
        return next((str(job["metadata"]["name"]) for job in running), "")

    return wait_for(f"the container of {process} runs", look)


def _delete_jobs(app: Application) -> None:
    app.platform.kubectl("delete", "jobs", "--all", "-n", app.namespace)
    wait_for("its Jobs are gone", lambda: not app.list("jobs", fieldSelector=_in(app)))


def _in(app: Application) -> str:
    return f"metadata.namespace={app.namespace}"


def _made(app: Application, offset: int) -> list[str]:
    """Return the Jobs that the operator has made since, each once."""
    writes = operator_writes(app.platform.audit_log, offset)
    mine = (write for write in writes if write.startswith(f"patch jobs {app.namespace}/"))
    return list(dict.fromkeys(mine))


def _offset(app: Application) -> int:
    return app.platform.audit_log.stat().st_size


def test_a_release_runs_once_before_the_rollout_and_never_again_for_its_image(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    start = _offset(app)
    release = {"command": WORKS}
    for number in (1, 2):
        _apply(app, image(number), release=release)
        _runs(app, image(number))
    job, deployment = _job(app, "release"), app.get("deployment", "web") or {}
    rolled_out = condition(_environment(app), "ReleaseSucceeded")
    assert rolled_out["status"] == "True"
    assert len(_made(app, start)) == 2
    assert job["status"]["completionTime"] >= job["metadata"]["creationTimestamp"]
    assert image(2) in json.dumps(deployment["spec"])

    _delete_jobs(app)
    shared_operator.stop()
    shared_operator.start()
    _apply(app, image(1), release=release)
    _runs(app, image(1))

    assert len(_made(app, start)) == 2
    assert _jobs(app, "release") == []
    history = _status(app)["history"]
    assert [item["image"] for item in history] == [image(1), image(2), image(1)]
    assert {(item["release"], item["result"]) for item in history} == {("Succeeded", "Succeeded")}


def test_a_failed_release_leaves_the_old_version_serving_and_is_tried_again_when_asked(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"PASSWORD": SECRET}}
    app.apply(secret | {"metadata": {"name": "db", "namespace": app.namespace}})
    bound = {"secretRefs": [{"name": "db"}]}
    _apply(app, image(1), **bound)
    _runs(app, image(1))
    before = app.get("deployment", "web") or {}

    _apply(app, image(2), release={"command": FAILS}, **bound)
    ready = _reason(app, "ReleaseFailed")

    status = _status(app)
    assert "exit code 1" in ready["message"]
    assert f"connecting with [redacted] | {LOG[1]}" in ready["message"]
    assert SECRET not in json.dumps(_environment(app))
    assert (status["phase"], status["image"]) == ("Failed", image(1))
    assert condition(_environment(app), "WorkloadAvailable")["status"] == "True"
    assert (app.get("deployment", "web") or {})["spec"] == before["spec"]

    app.platform.kubectl("delete", "deployment/web", "service/web", "-n", app.namespace)
    wait_for("the Service is back", lambda: app.get("service", "web"))
    assert (app.get("deployment", "web") or {})["spec"] == before["spec"]

    _apply(app, image(2), release={"command": WORKS}, **bound)
    (job,) = _jobs(app, "release")
    _request(app)
    _runs(app, image(2))
    assert [item["metadata"]["name"] for item in _jobs(app, "release")] != [job["metadata"]["name"]]


def test_a_release_that_runs_keeps_the_next_one_waiting(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    _apply(app, image(1), release={"command": LASTS})
    name = _running_job(app, "release")
    _apply(app, image(2), release={"command": WORKS})
    wait_for("it waits", lambda: "former image" in condition(_environment(app), "Ready")["message"])
    assert [job["metadata"]["name"] for job in _jobs(app, "release")] == [name]

    app.platform.kubectl("delete", "job", name, "-n", app.namespace)
    _runs(app, image(2))


def test_a_job_that_runs_is_ended_before_the_next_one_begins(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    _apply(app, image(1), kind="job", command=LASTS)
    former = _running_job(app, "web")
    _apply(app, image(2), kind="job", command=["./hello"])
    _runs(app, image(2))

    (job,) = _jobs(app, "web")
    assert job["metadata"]["name"] != former
    assert [item["process"] for item in _status(app)["jobs"]] == ["web"]
    assert [item["result"] for item in _status(app)["history"]] == ["Succeeded", "Superseded"]


def test_a_job_runs_once_for_an_image_and_again_when_asked(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    start = _offset(app)
    _apply(app, image(1), kind="job", command=["./hello"])
    _runs(app, image(1))
    assert _status(app)["phase"] == "Succeeded"
    kinds = "deployments,services,ingresses"
    assert app.list(kinds, fieldSelector=_in(app)) == []

    _delete_jobs(app)
    _apply(app, image(1), kind="job", command=["./hello", "again"])
    _runs(app, image(1))
    assert len(_made(app, start)) == 1

    _request(app)
    wait_for("it runs again", lambda: len(_made(app, start)) == 2)
    _runs(app, image(1))
    _apply(app, image(2), kind="job", command=FAILS)
    ready = _reason(app, "JobFailed")
    assert LOG[1] in ready["message"]
    assert (len(_made(app, start)), _status(app)["phase"]) == (3, "Failed")
    assert len(_jobs(app, "web")) == 1


def test_the_jobs_of_a_cron_are_left_alone(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    _apply(app, image(1), kind="cron", schedule="0 3 * * *")
    _runs(app, image(1))
    (cron,) = app.list("cronjobs", fieldSelector=_in(app))
    name = cron["metadata"]["name"]
    app.platform.kubectl("create", "job", f"--from=cronjob/{name}", "by-hand", "-n", app.namespace)
    (job,) = _jobs(app, "web")
    assert job["metadata"]["ownerReferences"][0]["kind"] == "CronJob"

    app.platform.kubectl(
        "patch", "cronjob", name, "-n", app.namespace, "-p", '{"spec":{"schedule":"@hourly"}}'
    )
    wait_for(
        "the schedule is put right",
        lambda: (app.get("cronjob", name) or {})["spec"]["schedule"] == "0 3 * * *",
    )
    assert [item["metadata"]["uid"] for item in _jobs(app, "web")] == [job["metadata"]["uid"]]


def test_labels_that_are_taken_from_a_job_come_back(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    _apply(app, image(1), kind="job", command=LASTS)
    job = _job(app, "web")
    name = job["metadata"]["name"]
    # What it runs can't be changed any more, and isn't.
    _apply(app, image(1), kind="job", command=LASTS, env=[{"name": "A", "value": "b"}])

    # The API server itself puts those of the template in the place of none at all.
    labels = ("app.kubernetes.io/managed-by-", "kapsa-project.io/environment-")
    app.platform.kubectl("label", "job", name, "-n", app.namespace, *labels)

    wait_for("its labels are back", lambda: _jobs(app, "web"))
    after = app.get("job", name) or {}
    assert after["metadata"]["labels"] == job["metadata"]["labels"]
    assert after["metadata"]["uid"] == job["metadata"]["uid"]
    assert after["spec"] == job["spec"]
    assert condition(_environment(app), "Ready")["reason"] == "JobRunning"


def test_an_operator_killed_right_after_it_made_a_job_makes_no_second_one(
    shared_operator: OperatorProcess, app: Application, image: Callable[[int], str]
) -> None:
    shared_operator.stop()
    start = _offset(app)
    account = app.platform.service_account_kubeconfig("kapsa-system", "kapsa-operator")
    with proxied(app.platform) as proxy:
        operator = OperatorProcess(
            app.platform,
            # Started again it is the same pod, and need not wait for its own Lease to end.
            {**shared_operator.environment, "KAPSA_POD_NAME": "kapsa-0", "KAPSA_POD_UID": "uid-0"},
            kubeconfig=through(proxy, account),
            name="killed-after-the-job",
        )

        def kill(_: int) -> None:
            # The write is done, and its answer not there yet.
            if _made(app, start):
                operator.signal_kill()

        proxy.on_write = kill
        operator.start()
        _apply(app, image(1), release={"command": LASTS})
        wait_for("it is killed", lambda: not operator.is_running)
        operator.kill()
        assert "jobs" not in _status(app)
        _request(app)
        proxy.on_write = lambda _: None
        operator.start()
        _reason(app, "ReleaseRunning")
        operator.stop()
    shared_operator.start()

    assert [item["result"] for item in _status(app)["jobs"]] == ["Running"]
    assert len(_jobs(app, "release")) == 1
    assert len(_made(app, start)) == 1
