"""The autoscaler of Kubernetes scales a preview whose pods are real, and whose load is made up."""

from collections.abc import Iterator

import pytest

import lab
from lab.metrics_stand_in import MetricsStandIn
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for
from tests.e2e.pages import commit_page
from tests.e2e.pods import RUNTIME, are_ready, ask, pods_of, ready_pods, text

WITHIN = 90.0

_REQUEST = 100
"""Thousandths of a core that each pod asks for."""


@pytest.fixture
def metrics(admin: lab.Platform) -> Iterator[MetricsStandIn]:
    """A resource metrics API, that says of itself that it measures nothing."""
    stand_in = MetricsStandIn(admin)
    stand_in.install()
    yield stand_in
    stand_in.uninstall()


def _autoscaler(app: Application, namespace: str) -> Manifest:
    (found,) = [
        item
        for item in app.list("horizontalpodautoscalers")
        if item["metadata"]["namespace"] == namespace
    ]
    return found


def _wait_until_scaled(
    app: Application, metrics: MetricsStandIn, millicores: int, count: int
) -> list[Manifest]:
    """Have a load on production's pods, until there are that many and all are Ready."""

    def look() -> list[Manifest] | None:
        pods = pods_of(app, "production")
        metrics.report(pods, millicores)
        return pods if are_ready(pods, count) else None

    return wait_for(f"{millicores}m are spread over {count} pods", look, WITHIN)


def test_pods_follow_the_load_and_a_new_commit_keeps_as_many(
    operator: OperatorProcess, app: Application, metrics: MetricsStandIn
) -> None:
    sha = commit_page(app, "<h1>hello</h1>")
    between = {
        "enabled": True,
        "minReplicas": 1,
        "maxReplicas": 3,
        "targetCPUUtilization": 50,
    }
    runtime = {
        **RUNTIME,
        "resources": {"requests": {"cpu": f"{_REQUEST}m", "memory": "16Mi"}},
        "autoscaling": between,
    }
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": app.namespace}
    app.apply(app.project(domain=domain, runtime=runtime))
    environment = app.wait_until_running("production", sha, within=WITHIN)
    (first,) = ready_pods(app, "production", 1)

    pods = _wait_until_scaled(app, metrics, 3 * _REQUEST, 3)

    assert first["metadata"]["uid"] in {pod["metadata"]["uid"] for pod in pods}
    assert {text(ask(pod, "/healthz")) for pod in pods} == {"ok"}
    shown = app.platform.kubectl("top", "pods", "-n", environment["metadata"]["namespace"])
    assert shown.count(f"{_REQUEST}m") == 3
    scaler = _autoscaler(app, environment["metadata"]["namespace"])
    assert condition(scaler, "ScalingActive")["reason"] == "ValidMetricFound"

    later = commit_page(app, "<h1>hello again</h1>")
    app.wait_until_running("production", later, within=WITHIN)

    def commits() -> set[str]:
        pods = _wait_until_scaled(app, metrics, 3 * _REQUEST, 3)
        return {ask(pod, "/").headers["X-Commit"] for pod in pods}

    wait_for("all three are of the new commit", lambda: commits() == {later}, WITHIN)

    (last,) = _wait_until_scaled(app, metrics, 0, 1)
    assert text(ask(last, "/healthz")) == "ok"
