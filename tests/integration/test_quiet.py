"""A quiet operator writes nothing, whatever it watches; nor does a restarted one."""

from lab.operator import OperatorProcess
from lab.scenario import Application, wait_for
from tests.integration.audit import operator_writes


def _converge(app: Application) -> None:
    main, head = app.commit("main"), app.commit("feature/login")
    app.commit("preview/images-missing", image=False)
    number = app.open_pull_request("feature/login")
    app.apply(app.project(previewEnvironments={"branches": {"enabled": True}}))
    app.wait_until_running("production", main)
    app.wait_until_running(f"pr-{number}", head)

    def waits() -> bool:
        slugs = app.environments().items()
        found = next((env for slug, env in slugs if slug.startswith("preview-")), {})
        return (found.get("status") or {}).get("phase") == "Building"

    wait_for("the branch's Environment waits for its image", waits)


def _wait_until_alone(app: Application) -> None:
    """Wait until the operator has swept what earlier tests left."""
    mine = {app.namespace}

    def look() -> bool:
        kept = {item["metadata"]["namespace"] for item in app.list("projects,environments")}
        owned = "app.kubernetes.io/managed-by=kapsa,kapsa-project.io/owner-uid"
        made = app.list("namespaces", labelSelector=owned)
        claims = app.list("leases", labelSelector="kapsa-project.io/claim")
        return kept <= mine and not made and not claims

    wait_for("what earlier tests left is swept", look, within=120)


def _poll_time(app: Application) -> str:
    project = app.get("project", app.name) or {}
    return str((project.get("status") or {}).get("lastPollTime", ""))


def _next_noted_poll(app: Application) -> None:
    """Return once another poll was noted, which happens once a minute."""
    before = _poll_time(app)
    wait_for("a poll is noted", lambda: _poll_time(app) != before, within=90)


def _writes_between_two_noted_polls(app: Application) -> list[str]:
    """Return what the operator writes in the minute between two notes of a poll."""
    _next_noted_poll(app)
    offset = app.platform.audit_log.stat().st_size
    _next_noted_poll(app)
    return _written(app, offset)


def _written(app: Application, offset: int) -> list[str]:
    """Return what the operator wrote since, but that it has verified the Registries of others.

    That is noted each ten minutes.
    """
    writes = operator_writes(app.platform.audit_log, offset)
    verified = [write for write in writes if write.startswith("patch registries/status ")]
    assert len(verified) == len(set(verified))
    return [write for write in writes if write not in verified]


def test_a_quiet_minute_has_one_write_the_time_of_the_poll_and_so_has_one_after_a_restart(
    operator: OperatorProcess, app: Application
) -> None:
    _wait_until_alone(app)
    _converge(app)
    noted = [f"patch projects/status {app.namespace}/{app.name}"]

    assert _writes_between_two_noted_polls(app) == noted

    offset = app.platform.audit_log.stat().st_size
    operator.stop()
    operator.start()
    _next_noted_poll(app)
    assert _written(app, offset) == noted
