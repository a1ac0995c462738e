"""What each process of a merged runtime must fulfil."""

from typing import Any

import pytest

from kapsa.core.workloads.process_rules import process_problem
from kapsa.models.runtime import Runtime

PORTS = [{"name": "http", "containerPort": 8080}]


def runtime(*processes: dict[str, Any], **said: Any) -> Runtime:
    return Runtime.model_validate({"processes": list(processes), **said})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(runtime({"name": "worker"}), id="a-worker-is-the-default"),
        pytest.param(
            runtime({"name": "api", "kind": "web", "paths": ["/api"], "probes": {"liveness": {}}}),
            id="a-web-process-has-the-default-port",
        ),
        pytest.param(
            runtime({"name": "worker", "ports": PORTS, "probes": {"liveness": {"path": "/"}}}),
            id="a-worker-with-a-port-for-its-probe",
        ),
        pytest.param(
            runtime({"name": "nightly", "kind": "cron", "schedule": "@daily"}), id="a-cron"
        ),
        pytest.param(runtime({"name": "hello", "kind": "job"}, kind="worker"), id="a-job"),
        pytest.param(
            runtime(kind="job", autoscaling={"enabled": False}, probes={}, ports=[]),
            id="nothing-said-in-many-words",
        ),
    ],
)
def test_nothing_is_wrong(given: Runtime) -> None:
    assert process_problem(given) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            runtime({"name": "nightly", "kind": "cron"}),
            "spec.runtime.processes[0].schedule: is missing, and process nightly is of kind cron;"
            " say when, such as '0 3 * * *'",
            id="a-cron-without-a-schedule",
        ),
        pytest.param(
            runtime(kind="cron"),
            "spec.runtime.schedule: is missing, and the main process is of kind cron; say when,"
            " such as '0 3 * * *'",
            id="a-main-process-without-a-schedule",
        ),
        pytest.param(
            runtime({"name": "worker", "schedule": "@daily"}),
            "spec.runtime.processes[0].schedule: is for kind cron, and process worker is of kind"
            " worker; leave it out, or set kind to cron",
            id="a-worker-with-a-schedule",
        ),
        pytest.param(
            runtime({"name": "hello", "kind": "job", "replicas": 0}),
            "spec.runtime.processes[0].replicas: is for kinds web and worker, and process hello is"
            " of kind job; leave it out",
            id="pods-of-a-job",
        ),
        pytest.param(
            runtime(kind="job", probes={"liveness": {}}),
            "spec.runtime.probes: is for kinds web and worker, and the main process is of kind job;"
            " leave it out",
            id="probes-of-a-job",
        ),
        pytest.param(
            runtime(kind="job", ports=PORTS),
            "spec.runtime.ports: is for kinds web and worker, and the main process is of kind job;"
            " leave it out",
            id="ports-of-a-job",
        ),
        pytest.param(
            runtime(kind="job", autoscaling={"enabled": True}),
            "spec.runtime.autoscaling.enabled: is for kinds web and worker, and the main process is"
            " of kind job; leave it out",
            id="autoscaling-of-a-job",
        ),
        pytest.param(
            runtime({"name": "a"}, {"name": "b", "paths": ["/b"]}),
            "spec.runtime.processes[1].paths: is for kind web, and process b is of kind worker;"
            " leave it out",
            id="paths-of-a-worker",
        ),
        pytest.param(
            runtime({"name": "worker", "probes": {"liveness": {}}}),
            "spec.runtime.processes[0].probes.liveness.port: the container has no ports; add a TCP"
            " port",
            id="a-probe-of-a-worker-without-ports",
        ),
        pytest.param(
            runtime({"name": "api", "kind": "web", "probes": {"startup": {"port": "admin"}}}),
            "spec.runtime.processes[0].probes.startup.port: the container has no port called admin;"
            " name one of: http",
            id="a-probe-of-a-port-that-is-not-there",
        ),
        pytest.param(
            runtime(ports=[*PORTS, {"name": "web", "containerPort": 8080}]),
            "spec.runtime.ports: http and web are both TCP 8080; give them one name, or different"
            " numbers",
            id="one-port-by-two-names-of-two-layers",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(given: Runtime, expected: str) -> None:
    assert str(process_problem(given)) == expected


@pytest.mark.parametrize(
    ("layer", "place"),
    [
        pytest.param(runtime({"name": "api"}), "processes[0].schedule", id="said-in-the-layer"),
        pytest.param(runtime(), "processes.schedule", id="said-below-it"),
    ],
)
def test_the_place_is_that_in_the_layer_which_says_it(layer: Runtime, place: str) -> None:
    merged = runtime({"name": "worker"}, {"name": "api", "kind": "cron"})

    problem = process_problem(merged, "spec.environments[0].runtime", layer)

    assert problem is not None
    assert problem.path == f"spec.environments[0].runtime.{place}"
