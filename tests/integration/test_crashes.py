"""Killed after any write and started again, the operator reaches the same end as undisturbed."""

from collections.abc import Callable
from typing import Any

import lab
from lab.scenario import Application, wait_for
from tests.integration.killing import killed_operator
from tests.integration.snapshot import differences, snapshot

_OBJECTS = 13
"""Project, namespace, two Environments with three objects each, and three claims."""


def _story(app: Application) -> dict[str, Any]:
    """Tell the story of a Project, and return where it ends."""
    main = app.commit("main")
    login, search = app.commit("feature/login"), app.commit("feature/search")
    app.apply(app.project())
    app.wait_until_running("production", main, within=90)
    first = app.open_pull_request("feature/login")
    second = app.open_pull_request("feature/search")
    app.wait_until_running(f"pr-{first}", login, within=90)
    app.wait_until_running(f"pr-{second}", search, within=90)
    newer = app.commit("feature/login")
    app.wait_until_running(f"pr-{first}", newer, within=90)
    app.close_pull_request(second)
    app.wait_until_gone(f"pr-{second}", within=90)
    wait_for("the claim of the closed one is released", lambda: len(_claims(app)) == 3, within=60)
    names = {main: "<main>", newer: "<newer>"}
    for sha, name in list(names.items()):
        digest = lab.image_digest(app.registry, app.image_repository, sha)
        assert digest is not None
        names[digest] = f"{name} image"
    wait_for("the Project has seen it all", lambda: _is_settled(app, main, newer), within=60)
    return snapshot(app, names)


def _claims(app: Application) -> list[Any]:
    return app.list("leases", labelSelector="kapsa-project.io/claim")


def _is_settled(app: Application, main: str, newer: str) -> bool:
    status = (app.get("project", app.name) or {}).get("status", {})
    return (
        [item.get("ready") for item in status.get("environments", [])] == [True, True]
        and [item["sha"] for item in status.get("candidates", [])] == [newer]
        and status.get("latestCommit", {}).get("sha") == main
    )


def _remove(app: Application) -> None:
    app.platform.kubectl("delete", "namespace", app.namespace, "--wait=true")
    wait_for("all claims are released", lambda: not _claims(app), within=60)


def test_an_operator_killed_after_every_fifth_write_ends_where_an_undisturbed_one_does(
    admin: lab.Platform, new_application: Callable[..., Application]
) -> None:
    with killed_operator(admin, every=0):
        undisturbed = new_application()
        wait_for("earlier tests' claims are released", lambda: not _claims(undisturbed), within=60)
        expected = _story(undisturbed)
        _remove(undisturbed)
    with killed_operator(admin, every=5) as killer:
        disturbed = new_application()
        found = _story(disturbed)
    assert killer.kills >= 5
    assert len(expected) == _OBJECTS
    assert differences(found, expected) == []
