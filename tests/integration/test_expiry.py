"""Previews expire, keep their object and host, and come back; what stands alone is deleted."""

from datetime import UTC, datetime

import pytest

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, is_ready, lone_environment, wait_for

_CHILDREN = "deployments,services,ingresses"
_SHORT = {"ttl": "20s"}


def _children(app: Application, name: str) -> list[str]:
    """Return the kinds of what an Environment owns."""
    selector = f"kapsa-project.io/environment={name}"
    return sorted(item["kind"] for item in app.list(_CHILDREN, labelSelector=selector))


def _wait_until_expired(app: Application, slug: str) -> Manifest:
    """Wait until a preview has expired, and has lost all that it owned; return it."""
    app.wait_for_condition("Expired", "TtlExpired", slug=slug)
    wait_for("nothing of it is left", lambda: not _children(app, f"{app.name}-{slug}"))
    found = app.environment(slug)
    assert found is not None
    return found


def _decision(app: Application, number: int) -> str:
    """Return what became of a pull request."""
    status = (app.get("project", app.name) or {}).get("status") or {}
    return next((item["decision"] for item in status["candidates"] if item["pr"] == number), "")


@pytest.fixture
def lone_image(app: Application) -> str:
    """An image for Environments that stand alone."""
    return f"{app.registry.host}/{app.image_repository}@{app.push_image('lone')}"


def test_a_preview_expires_and_a_commit_and_a_pin_bring_it_back_at_the_same_host(
    shared_operator: OperatorProcess, app: Application
) -> None:
    main, head = app.commit("main"), app.commit("feature/login")
    number = app.open_pull_request("feature/login")
    slug = f"pr-{number}"
    app.apply(app.project(previewEnvironments=_SHORT))
    running = app.wait_until_running(slug, head)
    assert _children(app, f"shop-{slug}") == ["Deployment", "Ingress", "Service"]

    expired = _wait_until_expired(app, slug)
    assert expired["metadata"]["uid"] == running["metadata"]["uid"]
    assert expired["status"]["phase"] == "Expired"
    assert expired["status"]["host"] == running["status"]["host"]
    assert {condition(expired, kind).get("status") for kind in ("Stalled", "Reconciling")} == {None}
    wait_for("the candidate says so", lambda: _decision(app, number) == "Expired")
    app.wait_until_running("production", main)
    app.wait_for_condition("EnvironmentsReady", "EnvironmentsReady")

    again = app.wait_until_running(slug, app.commit("feature/login"))
    assert again["metadata"]["uid"] == running["metadata"]["uid"]
    assert again["status"]["host"] == running["status"]["host"]

    _wait_until_expired(app, slug)
    app.annotate("environment", f"shop-{slug}", again["metadata"]["namespace"], pin="true")
    pinned = wait_for("it runs again", lambda: _if_ready(app.environment(slug)))
    assert "expiresAt" not in pinned["status"]
    assert pinned["status"]["host"] == running["status"]["host"]


def test_a_preview_that_ran_out_while_no_operator_was_there_expires_at_the_next_start(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    head = app.commit("feature/login")
    slug = f"pr-{app.open_pull_request('feature/login')}"
    app.apply(app.project(previewEnvironments={"ttl": "20s"}))
    running = app.wait_until_running(slug, head)
    shared_operator.stop()
    end = datetime.fromisoformat(running["status"]["expiresAt"])
    wait_for("its time is over", lambda: datetime.now(UTC) > end)
    assert _children(app, f"shop-{slug}") != []
    shared_operator.start()

    _wait_until_expired(app, slug)


def test_what_stands_alone_is_deleted_and_a_pin_saves_it(
    shared_operator: OperatorProcess, app: Application, lone_image: str
) -> None:
    goes, stays = (
        lone_environment(name, app.namespace, image=lone_image, ttl="10s")
        for name in ("goes", "stays")
    )
    stays["metadata"]["annotations"] = {"kapsa-project.io/pin": "true"}
    app.apply(goes, stays)

    wait_for("it has objects", lambda: _children(app, "goes"))
    wait_for("it is deleted", lambda: app.get("environment", "goes") is None)
    wait_for("its objects are collected", lambda: not _children(app, "goes"))

    kept = wait_for("the pinned one runs", lambda: _if_ready(app.get("environment", "stays")))
    assert "expiresAt" not in kept["status"]
    app.annotate("environment", "stays", app.namespace, pin="false")
    wait_for("without its pin it goes too", lambda: app.get("environment", "stays") is None)


def _if_ready(item: Manifest | None) -> Manifest | None:
    return item if is_ready(item) else None
