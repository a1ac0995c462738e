"""How the operator starts, shows that it lives, ends, and hands over."""

import sys
import time

import pytest

import lab
from lab.httpclient import request
from lab.operator import NAMESPACE, OperatorProcess
from lab.scenario import Application, wait_for
from tests.integration.conftest import QUICK, metric

_LEASE_DURATION = 6
_SHORT_LEASE = {
    "KAPSA_LEASE_DURATION": str(_LEASE_DURATION),
    "KAPSA_RENEW_DEADLINE": "4",
    "KAPSA_RENEW_INTERVAL": "1",
}
_COMMANDS = {
    "kapsa run": (sys.executable, "-m", "kapsa", "run"),
    "kopf run": (sys.executable, "-m", "kopf", "run", "--all-namespaces", "src/kapsa/main.py"),
}
_METRICS = {
    "kapsa_projects_total",
    "kapsa_project_reconcile_total",
    "kapsa_project_reconcile_duration_seconds",
    "kapsa_environments_total",
    "kapsa_git_poll_total",
}
"""Those of the names that dashboards expect for which there is something to count yet."""


def _lease_holder(platform: lab.Platform) -> str:
    get = ("get", "lease", "kapsa-operator", "-n", NAMESPACE)
    return platform.kubectl(*get, "-o", "jsonpath={.spec.holderIdentity}")


def _get(operator: OperatorProcess, path: str) -> tuple[int, str]:
    answer = request("GET", operator.address + path)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize("command", _COMMANDS.values(), ids=_COMMANDS)
def test_it_starts_works_answers_and_ends_in_seconds_with_its_lease_given_back(
    admin: lab.Platform, app: Application, command: tuple[str, ...]
) -> None:
    sha = app.commit("main")
    operator = OperatorProcess(admin, QUICK, name="starting", command=command)
    operator.start()
    try:
        app.apply(app.project())
        app.wait_until_running("production", sha)
        assert _get(operator, "/healthz") == (200, "ok\n")
        assert _get(operator, "/readyz") == (200, "ok\n")
        status, text = _get(operator, "/metrics")
        assert status == 200
        shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        assert shown >= _METRICS
        wait_for("it says that it is elected", lambda: metric(operator, "kapsa_leader") == 1)
        assert _lease_holder(admin)
        began = time.monotonic()
    finally:
        code = operator.stop()
    assert code == 0
    assert time.monotonic() - began < 20
    assert _lease_holder(admin) == ""


def test_a_standby_answers_and_takes_over_within_the_leases_duration_after_a_crash(
    admin: lab.Platform, app: Application
) -> None:
    first = OperatorProcess(admin, QUICK | _SHORT_LEASE, name="first")
    second = OperatorProcess(admin, QUICK | _SHORT_LEASE, name="second")
    try:
        first.start()
        wait_for("the first is elected", lambda: metric(first, "kapsa_leader") == 1)
        second.start()
        assert _get(second, "/healthz") == (200, "ok\n")
        assert metric(second, "kapsa_leader") == 0
        holder = _lease_holder(admin)

        sha = app.commit("main")
        app.apply(app.project())
        app.wait_until_running("production", sha)
        assert metric(second, "kapsa_git_poll_total") == 0

        first.kill()
        wait_for("the second takes over", lambda: _lease_holder(admin) != holder, within=20)
        app.wait_until_running("production", app.commit("main"))
    finally:
        first.stop()
        second.stop()


def test_a_lease_that_is_given_back_is_taken_at_once(admin: lab.Platform, app: Application) -> None:
    first = OperatorProcess(admin, QUICK, name="first")
    second = OperatorProcess(admin, QUICK, name="second")
    try:
        first.start()
        second.start()
        wait_for("the first is elected", lambda: metric(first, "kapsa_leader") == 1)
        holder = _lease_holder(admin)
        first.stop()
        wait_for(
            "the second takes over", lambda: _lease_holder(admin) not in {"", holder}, within=10
        )
    finally:
        first.stop()
        second.stop()
