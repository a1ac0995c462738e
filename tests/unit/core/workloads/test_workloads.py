"""The lasting processes of an Environment, all together."""

from typing import Any

import pytest

from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.core.workloads.processes import processes_of
from kapsa.core.workloads.workload import Workload
from kapsa.core.workloads.workloads import Live, workload_of_environment
from kapsa.models import Environment
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, condition, deployment_manifest, environment, pod_manifest, sha

IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
RUNTIME = {"processes": [{"name": "worker", "kind": "worker"}]}
SHOP = environment("web", image=IMAGE, commit=sha("a"), runtime=RUNTIME)
WORKER = WorkloadContext(SHOP, IMAGE).name_of(processes_of(SHOP.spec.runtime)[1])
ENDED = {"exitCode": 1, "reason": "Error"}
CRASH = "container worker: CrashLoopBackOff: it ended with exit code 1 (Error)"
GAVE_UP = {"type": "Progressing", "status": "False", "message": "timed out"}
ROLLED_OUT = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}


def crashing(text: str = "", *, version: str = "1", ready: bool = False, **more: Any) -> Any:
    """Return a trimmed pod of the worker that ends again and again."""
    status = {
        "name": "worker",
        "ready": ready,
        "state": {"running": {}},
        "lastState": {"terminated": {**ENDED, "message": text}},
    }
    given = {"of": WORKER, "version": version} | more
    return trim_pod(pod_manifest("worker", status, **given))


def state(
    *pods: Any,
    item: Environment = SHOP,
    web: Any = None,
    worker: Any = None,
    held: bool = False,
    secrets: tuple[str, ...] | None = (),
) -> Workload:
    """Return the state of a main process and a worker; each runs unless it says otherwise."""
    parts = {
        "web": {"image": IMAGE, "commit": sha("a")} | (web or {}),
        WORKER: {"image": IMAGE, "commit": sha("a"), "process": "worker"} | (worker or {}),
    }
    deployments = {name: deployment_manifest(name, **said) for name, said in parts.items()}
    return workload_of_environment(item, Live(deployments, pods, secrets), is_held=held)


STARTING = {"available": 0}


def test_all_of_them_run() -> None:
    found = state()

    assert (found.complete, found.image, found.commit) == (True, IMAGE, sha("a"))
    assert found.finding.message == "web: 1 of 1 ready, worker: 1 of 1 ready"
    assert found.ready == {"web", WORKER}


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        pytest.param(
            state(worker=STARTING), Reason.WORKLOAD_PROGRESSING, f"Deployment {WORKER}", id="starts"
        ),
        pytest.param(
            workload_of_environment(
                SHOP,
                Live({"web": deployment_manifest(image=IMAGE, commit=sha("a"))}),
                is_held=False,
            ),
            Reason.WORKLOAD_MISSING,
            f"Deployment {WORKER} does not exist yet",
            id="is-not-made-yet",
        ),
        pytest.param(
            state(crashing(), worker=STARTING, web=STARTING),
            Reason.PODS_FAILING,
            f"process worker: {CRASH}",
            id="crashes-while-the-other-starts",
        ),
        pytest.param(
            state(crashing(), worker={"available": 0, "conditions": (GAVE_UP,)}),
            Reason.WORKLOAD_FAILED,
            f"process worker: {CRASH}",
            id="crashes-for-so-long-that-it-is-given-up",
        ),
    ],
)
def test_the_one_that_does_not_run_is_named(found: Workload, reason: Reason, words: str) -> None:
    assert not found.complete
    assert found.finding.reason == reason
    assert words in found.finding.message
    assert WORKER not in found.ready


def test_processes_of_several_versions_are_not_all_of_what_runs() -> None:
    found = state(worker={"commit": sha("b")}, held=True)

    assert (found.complete, found.commit) == (False, "")
    assert found.finding.reason == Reason.WORKLOAD_PROGRESSING


def test_while_something_blocks_the_new_version_what_there_is_counts() -> None:
    live = {"web": deployment_manifest(image=IMAGE, commit=sha("a"))}

    assert workload_of_environment(SHOP, Live(live), is_held=True).complete


def test_where_nothing_is_to_last_all_is_well() -> None:
    nightly = environment(image=IMAGE, runtime={"kind": "cron", "schedule": "@daily"})

    found = workload_of_environment(nightly, Live({}), is_held=False)

    assert (found.complete, found.image, found.finding.status) == (True, IMAGE, True)


def test_where_nothing_is_to_last_and_nothing_ran_nothing_runs_while_it_is_held() -> None:
    nightly = environment(image=IMAGE, runtime={"kind": "cron", "schedule": "@daily"})

    found = workload_of_environment(nightly, Live({}), is_held=True)

    assert (found.complete, found.exists, found.image) == (False, False, "")


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param((crashing(version="2"),), f"process worker: {CRASH}", id="the-newest"),
        pytest.param(
            (
                crashing("no user for a-former-secret", version="1"),
                trim_pod(pod_manifest("worker", of=WORKER, version="2", created="2026-02-01")),
            ),
            f"process worker, a pod of a former version: {CRASH}",
            id="a-former-one",
        ),
        pytest.param((crashing(of="web"),), "", id="of-another-deployment"),
        pytest.param(
            (crashing(metadata={"ownerReferences": []}),), "", id="somebodys-with-the-same-labels"
        ),
        pytest.param((crashing(ready=True),), "", id="that-crashed-once-and-is-ready"),
    ],
)
def test_which_pods_count(pods: tuple[Any, ...], expected: str) -> None:
    message = state(*pods, worker=STARTING).finding.message

    assert message == (expected or f"Deployment {WORKER}: pods are being started")


def told(message: str, reason: str = Reason.PODS_FAILING, **more: Any) -> Environment:
    """Return the Environment, having said that of its workload."""
    said = condition("WorkloadAvailable", "False", reason, message) | more
    return environment(
        "web", image=IMAGE, commit=sha("a"), runtime=RUNTIME, status={"conditions": [said]}
    )


BEFORE = f"process worker: {CRASH}: at 12:00"


@pytest.mark.parametrize(
    ("pod", "item", "expected"),
    [
        pytest.param(crashing("at 12:05"), told(BEFORE), BEFORE, id="other-words"),
        pytest.param(crashing(), told(BEFORE), BEFORE, id="no-words"),
        pytest.param(crashing(ready=True), told(BEFORE), BEFORE, id="ready-for-a-moment"),
        pytest.param(
            crashing("at 12:05"),
            told(BEFORE, observedGeneration=0),
            f"process worker: {CRASH}: at 12:05",
            id="not-of-another-generation",
        ),
        pytest.param(
            crashing("at 12:05"),
            told(f"process web: {CRASH}"),
            f"process worker: {CRASH}: at 12:05",
            id="not-of-another-trouble",
        ),
        pytest.param(
            crashing("at 12:05"),
            told(f"process worker: {CRASH}"),
            f"process worker: {CRASH}: at 12:05",
            id="words-that-were-missing",
        ),
    ],
)
def test_a_trouble_that_stays_is_said_in_the_same_words(
    pod: Any, item: Environment, expected: str
) -> None:
    assert state(pod, item=item, worker=STARTING).finding.message == expected


@pytest.mark.parametrize(
    ("secrets", "shown"),
    [
        pytest.param(("pa55word",), ": no user for [redacted] at [redacted]", id="known"),
        pytest.param((), ": no user for pa55word at [redacted]", id="none"),
        pytest.param(None, "", id="not-known"),
    ],
)
def test_secrets_do_not_show_in_what_a_container_wrote(
    secrets: tuple[str, ...] | None, shown: str
) -> None:
    named = {"name": "worker", "kind": "worker", "env": [{"name": "API_KEY", "value": "k3ykey"}]}
    item = environment("web", image=IMAGE, commit=sha("a"), runtime={"processes": [named]})
    pod = crashing("no user for pa55word at k3ykey")

    found = state(pod, item=item, worker=STARTING, secrets=secrets).finding

    assert found.message == f"process worker: {CRASH}{shown}"


def test_a_pod_that_crashed_is_forgotten_once_all_is_well() -> None:
    assert state(crashing(ready=True), item=told(BEFORE)).complete


@pytest.mark.parametrize(
    ("conditions", "broken"),
    [
        pytest.param((ROLLED_OUT,), True, id="after-it-ran"),
        pytest.param((), False, id="before-it-ever-ran"),
    ],
)
def test_a_version_that_ran_and_fails_now_is_broken(
    conditions: tuple[dict[str, str], ...], broken: bool
) -> None:
    assert state(crashing(), worker={**STARTING, "conditions": conditions}).broken == broken


def test_pods_that_the_api_server_refuses_are_told_without_their_names() -> None:
    refused = {
        "type": "ReplicaFailure",
        "status": "True",
        "message": 'pods "web-1-x7k2p" is forbidden: exceeded quota: team, requested: pods=1',
    }

    found = state(web={"available": 0, "conditions": (refused,)})

    assert found.finding.reason == Reason.PODS_FAILING
    assert found.finding.message == (
        "Deployment web can't make its pods: exceeded quota: team, requested: pods=1"
    )


def test_an_autoscaled_process_needs_its_fewest_pods() -> None:
    scaled = environment(
        "web", image=IMAGE, runtime={"autoscaling": {"enabled": True, "minReplicas": 2}}
    )
    live = {"web": deployment_manifest(image=IMAGE, replicas=5, available=2)}

    assert workload_of_environment(scaled, Live(live), is_held=False).complete
