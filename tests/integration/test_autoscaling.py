"""Whoever decides about the number of pods, it never dips when the decision changes hands."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import pytest

from lab.httpclient import request
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

_BETWEEN = {"enabled": True, "minReplicas": 2, "maxReplicas": 5}


@pytest.fixture
def image(app: Application) -> str:
    return f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"


def _run(app: Application, name: str, image: str, **runtime: Any) -> None:
    """Apply an Environment with that runtime, and wait until it is as it should be."""
    app.apply(lone_environment(name, app.namespace, image=image, runtime=runtime))
    wait_for(f"{name} is ready", lambda: is_ready(app.get("environment", name)))


def _deployment(app: Application) -> Manifest:
    found = app.get("deployment", "web")
    assert found is not None
    return found


def _wait_for_replicas(app: Application, count: int) -> None:
    wait_for(f"{count} pods are wanted", lambda: _deployment(app)["spec"]["replicas"] == count)


def _scale(app: Application, count: int) -> None:
    """Scale as an autoscaler does: by the subresource."""
    app.platform.kubectl("scale", "deployment/web", "-n", app.namespace, f"--replicas={count}")


def _replicas_since(app: Application, live: Manifest) -> list[int]:
    """Return every number of pods that was wanted since: the watch leaves no version out."""
    numbers = [event["object"]["spec"]["replicas"] for event in _events_since(app, live)]
    return [number for number, _ in groupby([live["spec"]["replicas"], *numbers])]


def _events_since(app: Application, live: Manifest) -> Iterator[dict[str, Any]]:
    meta, server = live["metadata"], app.platform.api_server
    query = urlencode(
        {
            "watch": "1",
            "timeoutSeconds": "1",
            "resourceVersion": meta["resourceVersion"],
            "fieldSelector": f"metadata.name={meta['name']}",
        }
    )
    answer = request(
        "GET",
        f"{server.url}/apis/apps/v1/namespaces/{meta['namespace']}/deployments?{query}",
        authorization=f"Bearer {server.admin_token}",
        ca_file=server.ca_file,
    )
    assert answer.status == 200
    yield from map(json.loads, answer.body.splitlines())


def test_the_number_of_pods_is_handed_over_and_taken_back_without_a_dip(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, "web", image, replicas=3)
    start = _deployment(app)

    _run(app, "web", image, replicas=3, autoscaling=_BETWEEN)
    autoscaler = app.get("horizontalpodautoscaler", "web") or {}
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "web"
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (2, 5)
    assert autoscaler["metadata"]["ownerReferences"][0]["kind"] == "Environment"
    assert _replicas_since(app, start) == [3]

    _scale(app, 4)
    greeting = [{"name": "GREETING", "value": "hello"}]
    _run(app, "web", image, replicas=3, autoscaling=_BETWEEN, env=greeting)
    assert "GREETING" in json.dumps(_deployment(app))
    assert _replicas_since(app, start) == [3, 4]

    _run(app, "web", image, autoscaling={"enabled": False}, env=greeting)
    wait_for("it is gone", lambda: app.get("horizontalpodautoscaler", "web") is None)
    assert _replicas_since(app, start) == [3, 4]

    _run(app, "web", image, replicas=2, env=greeting)
    _wait_for_replicas(app, 2)
    _run(app, "web", image, env=greeting)
    _run(app, "web", image)
    assert _replicas_since(app, start) == [3, 4, 2]


def test_what_is_made_anew_begins_with_the_fewest_pods(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    path = f"/apis/apps/v1/namespaces/{app.namespace}/deployments"
    before = json.loads(app.platform.kubectl("get", "--raw", path))
    _run(app, "web", image, autoscaling=_BETWEEN)
    made = {**_deployment(app)["metadata"], **before["metadata"]}
    versions = [event["object"] for event in _events_since(app, {"metadata": made})]
    assert {live["spec"]["replicas"] for live in versions} == {2}

    greeting = [{"name": "GREETING", "value": "hello"}]
    start = _deployment(app)
    _run(app, "web", image, autoscaling=_BETWEEN, env=greeting)
    assert _replicas_since(app, start) == [2]


def test_what_slept_wakes_up_when_the_load_decides(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, "web", image, replicas=0)

    _run(app, "web", image, replicas=0, autoscaling=_BETWEEN)

    # One is the default of the field; the autoscaler then sees to the fewest.
    _wait_for_replicas(app, 2)


def test_what_somebody_changes_in_the_autoscaler_is_put_right(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, "web", image, autoscaling=_BETWEEN)
    autoscaler = ("horizontalpodautoscaler", "web", "-n", app.namespace)
    uid = (app.get("horizontalpodautoscaler", "web") or {})["metadata"]["uid"]

    def spec() -> Any:
        return (app.get("horizontalpodautoscaler", "web") or {"spec": {}})["spec"]

    patch = json.dumps({"spec": {"maxReplicas": 50, "metrics": []}})
    app.platform.kubectl("patch", *autoscaler, "--type=merge", "-p", patch)
    wait_for("5 at most again", lambda: spec().get("maxReplicas") == 5)
    assert spec()["metrics"][0]["resource"]["target"]["averageUtilization"] == 80

    app.platform.kubectl("label", *autoscaler, "app.kubernetes.io/managed-by-")
    wait_for(
        "the label is back",
        lambda: (
            "kapsa"
            in (app.get("horizontalpodautoscaler", "web") or {})["metadata"]["labels"].values()
        ),
    )
    assert (app.get("horizontalpodautoscaler", "web") or {})["metadata"]["uid"] == uid


def test_a_scaled_environment_costs_no_write_after_a_restart(
    operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, "web", image, autoscaling=_BETWEEN)
    _wait_for_replicas(app, 2)
    wait_for("both run", lambda: _deployment(app)["status"].get("availableReplicas") == 2)
    wait_for("that is said", lambda: is_ready(app.get("environment", "web")))
    _run(app, "beacon", image)

    offset = app.platform.audit_log.stat().st_size
    operator.stop()
    operator.start()
    _run(app, "beacon", image, replicas=2)

    written = operator_writes(app.platform.audit_log, offset)
    assert [write for write in written if write.endswith(f"{app.namespace}/web")] == []


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ({"autoscaling": {"enabled": True, "minReplicas": 6}}, "minReplicas: is 6, more than"),
        ({"probes": {"readiness": {"port": "admin"}}}, "no port called admin"),
    ],
    ids=["autoscaling", "probes"],
)
def test_a_runtime_that_contradicts_itself_is_told_and_what_runs_keeps_running(
    shared_operator: OperatorProcess,
    app: Application,
    image: str,
    runtime: dict[str, Any],
    words: str,
) -> None:
    _run(app, "web", image)
    before = _deployment(app)

    app.apply(lone_environment("web", app.namespace, image=image, runtime=runtime))

    def told() -> str:
        ready = condition(app.get("environment", "web"), "Ready")
        return str(ready["message"]) if ready["reason"] == "InvalidSpec" else ""

    assert words in wait_for("it is told", told)
    assert _deployment(app)["metadata"]["generation"] == before["metadata"]["generation"]


def test_probes_run_as_they_are_said(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    liveness = {"path": "/healthz", "initialDelaySeconds": 0, "timeoutSeconds": 2}
    _run(app, "web", image, probes={"liveness": liveness, "startup": {"failureThreshold": 60}})

    (container,) = _deployment(app)["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["livenessProbe"]["timeoutSeconds"] == 2
    assert container["readinessProbe"]["tcpSocket"] == {"port": "http"}
    assert container["startupProbe"]["failureThreshold"] == 60
