"""Processes on a real control plane: Pod Security, Services, budgets, and what troubles pods.

kwok stands for the nodes, and runs no container: where a container has to fail, the test writes the
status that a kubelet would. The scheduler, the ReplicaSets' and the EndpointSlices' controllers,
quotas and Pod Security admission are the real ones.
"""

import json
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
from tests.integration.audit import operator_writes

_PROCESSES: list[Manifest] = [
    {"name": "worker", "kind": "worker", "command": ["./worker"]},
    {"name": "api", "kind": "web", "ports": [{"name": "grpc", "containerPort": 9090}]},
    {"name": "nightly", "kind": "cron", "schedule": "0 3 1 1 *", "command": ["./report"]},
    {"name": "hello", "kind": "job", "command": ["./hello"]},
]


@pytest.fixture
def image(app: Application) -> str:
    return f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"


def _apply(app: Application, image: str, **runtime: Any) -> None:
    app.apply(lone_environment("web", app.namespace, image=image, runtime=runtime))


def _run(app: Application, image: str, **runtime: Any) -> None:
    """Apply an Environment with that runtime, and wait until it is as it should be."""
    _apply(app, image, **runtime)
    # A worker counts only once it has run for ten seconds.
    wait_for("it is ready", lambda: is_ready(app.get("environment", "web")), within=60)


def _restrict(app: Application) -> None:
    """Have the namespace refuse every pod that breaks the Pod Security Standard `restricted`."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    app.platform.kubectl("label", "namespace", app.namespace, label)


def _of(app: Application, kinds: str, process: str = "") -> list[Manifest]:
    """Return the objects of the Environment, or of one of its processes."""
    selector = "kapsa-project.io/environment=web"
    if process:
        selector += f",kapsa-project.io/process={process}"
    found = app.list(kinds, labelSelector=selector)
    return [item for item in found if item["metadata"]["namespace"] == app.namespace]


def _say(app: Application, process: str, **status: Any) -> None:
    """Write, as a kubelet would, what becomes of the container of a process' only pod."""
    (pod,) = _of(app, "pods", process)
    now = "True" if status.get("ready") else "False"
    says = {
        "conditions": [{"type": kind, "status": now} for kind in ("Ready", "ContainersReady")],
        "containerStatuses": [
            {"name": process, "image": "x", "imageID": "x", "restartCount": 1, "ready": False}
            | status
        ],
    }
    app.platform.kubectl(
        "patch",
        "pod",
        pod["metadata"]["name"],
        "-n",
        app.namespace,
        "--subresource=status",
        "-p",
        json.dumps({"status": says}),
    )


_RUNS: Manifest = {"ready": True, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}


def _wait_for_trouble(app: Application, reason: str, *words: str) -> None:
    """Wait until `Ready` and `WorkloadAvailable` have that reason, and say those words."""

    def told() -> bool:
        environment = app.get("environment", "web")
        found = [condition(environment, type_) for type_ in ("Ready", "WorkloadAvailable")]
        return all(
            item.get("status") == "False"
            and item["reason"] == reason
            and all(word in item["message"] for word in words)
            for item in found
        )

    wait_for(f"it says {reason}: {' '.join(words)}", told)


def test_the_pods_of_every_kind_of_process_are_admitted_where_restricted_is_enforced(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _restrict(app)
    _run(app, image, processes=_PROCESSES, release={"command": ["./migrate"]})

    (cron_job,) = _of(app, "cronjobs")
    name = f"--from=cronjob/{cron_job['metadata']['name']}"
    app.platform.kubectl("create", "job", "by-hand", name, "-n", app.namespace)

    def all_there() -> bool:
        found = {
            item["metadata"]["labels"]["kapsa-project.io/process"] for item in _of(app, "pods")
        }
        return found == {"web", "worker", "api", "nightly", "hello", "release"}

    wait_for("each process has had a pod", all_there)
    for pod in _of(app, "pods"):
        assert pod["spec"]["automountServiceAccountToken"] is False


def test_a_service_leads_to_the_pods_of_its_own_process_and_never_to_a_worker(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, image, processes=_PROCESSES[:2])

    def led_to() -> dict[str, set[str]]:
        """Return the processes that the Service of each process leads to."""
        process_of = {
            item["metadata"]["name"]: item["metadata"]["labels"]["kapsa-project.io/process"]
            for item in _of(app, "pods,services")
        }
        found: dict[str, set[str]] = {}
        for item in app.list("endpointslices"):
            service = item["metadata"]["labels"].get("kubernetes.io/service-name")
            if item["metadata"]["namespace"] == app.namespace:
                targets = {point["targetRef"]["name"] for point in item["endpoints"] or ()}
                found[process_of[service]] = {process_of[name] for name in targets}
        return found

    wait_for("they lead", lambda: led_to() == {"web": {"web"}, "api": {"api"}})
    _run(app, image, processes=[{**_PROCESSES[1], "kind": "worker"}])
    wait_for("nothing leads to what is a worker now", lambda: set(led_to()) == {"web"})


def test_two_pods_have_a_budget_and_one_has_none(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, image, replicas=2)

    def budget() -> Manifest | None:
        return app.get("poddisruptionbudget", "web")

    found = wait_for(
        "one pod may go", lambda: (budget() or {}).get("status", {}).get("disruptionsAllowed") == 1
    )
    assert found
    _run(app, image, replicas=1)
    wait_for("it is gone", lambda: budget() is None)


def test_a_process_that_is_removed_takes_its_objects_along(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    several = [{**item, "replicas": 2} for item in _PROCESSES[:2]]
    _run(app, image, processes=several)
    kinds = "deployments,services,poddisruptionbudgets"
    assert len(_of(app, kinds)) == 2 + 5

    _run(app, image)

    wait_for(
        "only those of the main process are left",
        lambda: {item["metadata"]["name"] for item in _of(app, kinds)} == {"web"},
    )


def test_what_troubles_a_pod_shows_in_ready_costs_one_write_and_goes_away_again(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, image)
    ended = {"exitCode": 1, "reason": "Error", "message": "no DATABASE_URL"}
    back_off = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    _say(app, "web", state={"waiting": back_off}, lastState={"terminated": ended})
    words = ("process web: container web: CrashLoopBackOff", "exit code 1 (Error): no DATABASE_URL")
    _wait_for_trouble(app, "PodsFailing", *words)
    assert (app.get("environment", "web") or {})["status"]["phase"] == "Failed"

    offset = app.platform.audit_log.stat().st_size
    for count in range(2, 5):
        last = {"terminated": {**ended, "message": f"restart {count}"}}
        _say(app, "web", state=_RUNS["state"], lastState=last, restartCount=count)
        _say(app, "web", state={"waiting": back_off}, lastState=last, restartCount=count)
    pull = {"reason": "ErrImagePull", "message": "shop: not found"}
    _say(app, "web", state={"waiting": pull})
    _wait_for_trouble(app, "PodsFailing", "ImagePullBackOff: shop: not found")
    writes = operator_writes(app.platform.audit_log, offset)
    mine = [write for write in writes if write.endswith(f"{app.namespace}/web")]
    assert mine == [f"patch environments/status {app.namespace}/web"], "restarts are no news"

    config = {"reason": "CreateContainerConfigError", "message": "image will run as root"}
    _say(app, "web", state={"waiting": config})
    _wait_for_trouble(app, "PodsFailing", "CreateContainerConfigError: image will run as root")
    _say(app, "web", **_RUNS)
    wait_for("it is ready again", lambda: is_ready(app.get("environment", "web")))


def test_a_pod_that_fits_on_no_node_shows_in_ready(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    huge = {**_PROCESSES[0], "resources": {"requests": {"cpu": "1000"}}}
    _apply(app, image, processes=[huge])
    _wait_for_trouble(app, "PodsFailing", "process worker: Unschedulable", "Insufficient cpu")
    _run(app, image, processes=_PROCESSES[:1])


def test_a_pod_that_the_namespace_does_not_admit_shows_in_ready(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": app.namespace},
        "spec": {"hard": {"pods": "0"}},
    }
    app.apply(quota)
    wait_for("it counts", lambda: _quota(app).get("status", {}).get("hard"))
    _apply(app, image)
    _wait_for_trouble(app, "PodsFailing", "Deployment web can't make its pods: exceeded quota")


def _quota(app: Application) -> Manifest:
    found = app.platform.kubectl("get", "resourcequota", "none", "-n", app.namespace, "-o", "json")
    manifest: Manifest = json.loads(found)
    return manifest


def test_a_profile_that_the_setting_forbids_is_told_and_nothing_is_made(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _apply(app, image, security={"profile": "baseline"})

    def told() -> bool:
        ready = condition(app.get("environment", "web"), "Ready")
        return bool(ready) and ready["reason"] == "ProfileNotAllowed"

    wait_for("it is told", told)
    assert _of(app, "deployments") == []
