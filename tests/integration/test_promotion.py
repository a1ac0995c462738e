"""Releases of a real repository: tags, promotion by digest, and images that are pinned."""

from typing import Any

from lab.images import delete_image, push_image
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for

STAGING = {"name": "staging", "branch": "main"}


def by_digest(app: Application, digest: str) -> str:
    """Return the reference of an image of the application."""
    return f"{app.registry.host}/{app.image_repository}@{digest}"


def image_of(environment: Manifest) -> str:
    """Return the image that an Environment says it runs."""
    return str(environment["status"]["image"])


def summary(app: Application, slug: str) -> Manifest:
    """Return what the Project's status says of an Environment."""
    status = (app.get("project", app.name) or {}).get("status") or {}
    found = status.get("environments") or []
    return next((item for item in found if item["name"] == f"{app.name}-{slug}"), {})


def wait_until_available(app: Application, slug: str, sha: str) -> dict[str, Any]:
    """Wait until a commit and its image are available to an Environment; return what is."""

    def look() -> dict[str, Any] | None:
        available = summary(app, slug).get("available") or {}
        return available if available.get("commit") == sha and available.get("image") else None

    return wait_for(f"{sha[:7]} is available to {slug}", look)


def test_the_newest_version_among_the_tags_runs(
    operator: OperatorProcess, app: Application
) -> None:
    newest = app.commit("main")
    app.tag("v1.10.0", newest, annotated=True)
    app.tag("v1.10.0-rc.1", app.commit("main"))
    older = app.commit("main")
    app.tag("v1.9.0", older)
    app.apply(app.project(environments=[{"name": "production", "tag": "v*"}]))

    production = app.wait_until_running("production", newest)
    assert production["metadata"]["annotations"]["kapsa-project.io/tag"] == "v1.10.0"
    assert "branch" not in production["spec"]

    app.tag("v2.0.0", older)
    app.wait_until_running("production", older)


def test_what_runs_in_staging_is_promoted_by_its_digest(
    operator: OperatorProcess, app: Application
) -> None:
    first = app.commit("main", image=False)
    promoted = {"name": "production", "promoteFrom": "staging"}
    app.apply(app.project(environments=[promoted, STAGING]))
    app.wait_for_condition("ImageReady", "ImageNotFound", slug="staging")
    assert app.environment("production") is None

    image = by_digest(app, app.push_image(first))
    app.wait_until_running("staging", first)
    production = app.wait_until_running("production", first)
    assert image_of(production) == image

    second = app.commit("main", image=False)
    app.wait_for_condition("ImageReady", "ImageNotFound", slug="staging")
    pushed_again = push_image(app.registry, app.image_repository, first, {"again": "yes"})
    assert by_digest(app, pushed_again) != image
    assert image_of(app.wait_until_running("production", first)) == image

    image = by_digest(app, app.push_image(second))
    assert image_of(app.wait_until_running("production", second)) == image


def test_without_auto_sync_a_commit_is_available_until_a_revision_rolls_it_out(
    operator: OperatorProcess, app: Application
) -> None:
    first = app.commit("main")
    manual = {"name": "production", "branch": "main", "autoSync": False}
    app.apply(app.project(environments=[manual]))

    available = wait_until_available(app, "production", first)
    assert summary(app, "production")["phase"] == "Pending"
    assert app.environment("production") is None

    app.apply(app.project(environments=[manual | {"revision": first}]))
    production = app.wait_until_running("production", first)
    assert image_of(production) == available["image"]

    second = app.commit("main")
    wait_until_available(app, "production", second)
    app.apply(app.project(environments=[manual]))
    wait_until_available(app, "production", second)
    assert image_of(app.wait_until_running("production", first)) == available["image"]


def test_an_image_that_is_pinned_runs_whatever_the_branch_says(
    operator: OperatorProcess, app: Application
) -> None:
    first = app.commit("main")
    app.apply(app.project())
    image = image_of(app.wait_until_running("production", first))
    second = app.commit("main")
    app.wait_until_running("production", second)

    pinned = {"name": "production", "branch": "main", "image": image}
    assert delete_image(app.registry, app.image_repository, first), "it can't be looked up"
    app.apply(app.project(environments=[pinned]))

    def is_back() -> bool:
        production = app.environment("production") or {"status": {}}
        ready = condition(production, "Ready").get("status") == "True"
        return ready and production["status"].get("image") == image

    wait_for("production runs the pinned image", is_back)
    production = app.environment("production") or {}
    assert "commit" not in production["spec"] | production["status"], "nobody knows of which it is"

    app.apply(app.project())
    app.wait_until_running("production", second)
