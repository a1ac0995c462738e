"""What is suspended is left alone, and goes on where it was when it is no more."""

from collections.abc import Callable

import pytest

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.audit import operator_writes
from tests.integration.conftest import polls
from tests.integration.suspending import set_suspend


@pytest.fixture
def beacon(new_application: Callable[..., Application]) -> Application:
    """Another Project, whose polls show that time passes."""
    app = new_application("beacon")
    app.commit("main")
    app.apply(app.project())
    return app


def _pass_some_polls(operator: OperatorProcess) -> None:
    until = polls(operator) + 4
    wait_for("the operator polls on", lambda: polls(operator) >= until)


def _written_in(app: Application, environment: Manifest, offset: int) -> list[str]:
    """Return what the operator wrote in the namespaces of a Project."""
    places = (f" {app.namespace}/", f" {environment['metadata']['namespace']}/")
    writes = operator_writes(app.platform.audit_log, offset)
    return [write for write in writes if any(place in write for place in places)]


def _wait_until_nothing_is_written(
    operator: OperatorProcess, app: Application, environment: Manifest
) -> int:
    """Return the size of the audit log once the last status that changed has been written."""

    def look() -> int | None:
        offset = app.platform.audit_log.stat().st_size
        _pass_some_polls(operator)
        return None if _written_in(app, environment, offset) else offset

    return wait_for("nothing is written", look)


def _break(app: Application, environment: Manifest) -> None:
    """Delete the Environment's Service, and change its Deployment."""
    meta = environment["metadata"]
    app.delete("service", meta["name"], meta["namespace"])
    app.platform.kubectl(
        "label",
        "deployment",
        meta["name"],
        "-n",
        meta["namespace"],
        "--overwrite",
        "kapsa-project.io/process=changed",
    )


def _is_whole(app: Application, environment: Manifest) -> bool:
    meta = environment["metadata"]
    deployment = app.get("deployment", meta["name"], meta["namespace"]) or {}
    labels = deployment["metadata"]["labels"]
    service = app.get("service", meta["name"], meta["namespace"])
    return service is not None and labels["kapsa-project.io/process"] == "web"


def test_a_suspended_project_is_neither_polled_nor_changed_until_it_goes_on(
    shared_operator: OperatorProcess, app: Application, beacon: Application
) -> None:
    sha = app.commit("main")
    app.commit("feature")
    number = app.open_pull_request("feature")
    app.apply(app.project())
    production = app.wait_until_running("production", sha)
    app.wait_for_condition("Ready", "Ready", slug=f"pr-{number}")

    set_suspend(app, "project", app.project(), suspend=True)
    app.wait_for_condition("Ready", "Suspended")
    for slug in ("production", f"pr-{number}"):
        app.wait_for_condition("Ready", "Suspended", slug=slug)
    offset = _wait_until_nothing_is_written(shared_operator, app, production)
    _break(app, production)
    later = app.commit("main")
    app.close_pull_request(number)
    _pass_some_polls(shared_operator)

    assert _written_in(app, production, offset) == []
    assert app.environment(f"pr-{number}") is not None
    assert not _is_whole(app, production)
    assert (app.environment("production") or {})["spec"]["commit"] == sha

    set_suspend(app, "project", app.project(), suspend=False)
    app.wait_until_running("production", later)
    app.wait_until_gone(f"pr-{number}")
    assert _is_whole(app, production)


def test_a_suspended_environment_is_left_alone_while_the_others_of_its_project_go_on(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    both = [{"name": name, "branch": "main"} for name in ("production", "staging")]
    app.apply(app.project(environments=both))
    production = app.wait_until_running("production", sha)
    app.wait_until_running("staging", sha)

    set_suspend(app, "environment", production, suspend=True)
    app.wait_for_condition("Ready", "Suspended", slug="production")
    _break(app, production)
    later = app.commit("main")
    app.wait_until_running("staging", later)
    _pass_some_polls(shared_operator)
    assert not _is_whole(app, production)
    assert (app.environment("production") or {})["status"]["commit"] == sha

    set_suspend(app, "environment", production, suspend=False)
    app.wait_until_running("production", later)
    assert _is_whole(app, production)
