"""Tags that CI pushes: one that moves is followed, one of a commit isn't, and none is hammered."""

from collections.abc import Iterator

import pytest

import lab
from lab.images import delete_image, push_image
from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for
from tests.integration.conftest import QUICK, metric, polls

_LOOKS = "kapsa_image_lookup_total"
PRODUCTION = {"name": "production", "branch": "main"}


@pytest.fixture(scope="module")
def patient_operator(admin: lab.Platform) -> Iterator[OperatorProcess]:
    """An operator that looks for a missing image ever more seldom."""
    settings = QUICK | {"KAPSA_MAX_IMAGE_RETRY_INTERVAL": "300"}
    process = OperatorProcess(admin, settings, name="moved-tags")
    process.start()
    yield process
    process.stop()


def push(app: Application, tag: str, version: str) -> str:
    """Push an image under a tag; return it by its digest."""
    digest = push_image(app.registry, app.image_repository, tag, {"version": version})
    return f"{app.registry.host}/{app.image_repository}@{digest}"


def template(app: Application, tag: str) -> dict[str, str]:
    return {"strategy": "prebuilt", "image": f"{app.registry.host}/{app.image_repository}:{tag}"}


def wait_until_it_runs(app: Application, image: str) -> None:
    def look() -> bool:
        status = (app.environment("production") or {}).get("status") or {}
        is_ready = condition({"status": status}, "Ready").get("status") == "True"
        return is_ready and status.get("image") == image

    wait_for(f"production runs {image}", look)


def wait_for_polls(operator: OperatorProcess, count: int) -> None:
    end = polls(operator) + count
    wait_for(f"{count} polls", lambda: polls(operator) >= end)


def test_a_branchs_tag_that_moves_is_rolled_out_and_one_that_stays_writes_nothing(
    patient_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main", image=False)
    first = push(app, "main", "1")
    app.apply(app.project(build=template(app, "{branch}"), environments=[PRODUCTION]))
    wait_until_it_runs(app, first)

    before = app.environment("production") or {}
    looks = metric(patient_operator, _LOOKS)
    wait_for("it is looked up again", lambda: metric(patient_operator, _LOOKS) >= looks + 3)
    after = app.environment("production") or {}
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]

    second = push(app, "main", "2")
    wait_until_it_runs(app, second)
    assert (app.environment("production") or {})["status"]["commit"] == sha


def test_a_tag_that_vanishes_leaves_what_runs_and_says_so(
    patient_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main", image=False)
    image = push(app, "main", "1")
    app.apply(app.project(build=template(app, "{branch}"), environments=[PRODUCTION]))
    wait_until_it_runs(app, image)

    assert delete_image(app.registry, app.image_repository, "main")
    said = app.wait_for_condition("ImageReady", "ImageNotFound", slug="production")
    assert (said["status"], image in said["message"]) == ("True", True)
    production = app.environment("production") or {}
    assert production["spec"]["image"] == image
    assert condition(production, "Ready")["status"] == "True"


def test_a_tag_of_a_commit_that_is_pushed_again_changes_nothing(
    patient_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main", image=False)
    image = push(app, sha, "1")
    app.apply(app.project(environments=[PRODUCTION]))
    wait_until_it_runs(app, image)
    looks = metric(patient_operator, _LOOKS)

    assert push(app, sha, "2") != image
    wait_for_polls(patient_operator, 3)
    patient_operator.stop()
    patient_operator.start()
    wait_for_polls(patient_operator, 2)

    assert (app.environment("production") or {})["spec"]["image"] == image
    assert metric(patient_operator, _LOOKS) == 0 < looks


def test_a_missing_image_is_looked_up_ever_more_seldom_until_a_person_asks(
    patient_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main", image=False)
    app.apply(app.project(environments=[PRODUCTION]))
    app.wait_for_condition("ImageReady", "ImageNotFound", slug="production")
    looks = metric(patient_operator, _LOOKS)
    wait_for_polls(patient_operator, 8)
    # After 1, 2, 4 and 8 s: in the ten seconds or so of eight polls there are four at most.
    assert 1 <= metric(patient_operator, _LOOKS) - looks <= 4

    push(app, sha, "1")
    app.request()
    app.wait_until_running("production", sha)
