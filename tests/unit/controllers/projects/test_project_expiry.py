"""A Project whose previews expire."""

from typing import Any

import pytest

from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing
from tests.builders import sha
from tests.unit.controllers.project_rig import MADE, Rig, pulls
from tests.unit.controllers.virtual_time import cancel, loop

DAY = 86_400.0


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    yield made
    await cancel(made.task)


def decisions(rig: Rig) -> dict[int, str]:
    """Return what became of each pull request."""
    return {item["pr"]: item["decision"] for item in rig.status_now()["candidates"]}


async def see_to_environments(rig: Rig) -> None:
    for name in rig.names():
        await rig.environments.reconcile((MADE, name))
    await rig.reconcile()


async def test_expired_previews_keep_their_objects_and_give_others_their_places(rig: Rig) -> None:
    rig.outside.pull_requests["acme/shop"] = pulls(1)
    rig.shop(previewEnvironments={"maxActive": 1, "ttl": "7d"})
    await rig.converge()
    await see_to_environments(rig)
    loop().jump(8 * DAY)
    rig.outside.pull_requests["acme/shop"] = pulls(1, 2)
    await rig.poll()
    await see_to_environments(rig)

    assert rig.names() == ["shop-pr-1", "shop-pr-2"]
    assert decisions(rig) == {1: "Expired", 2: "Previewed"}
    assert not rig.cluster.has("Deployment", "shop-pr-1", MADE)

    rig.written()
    await see_to_environments(rig)
    await see_to_environments(rig)
    assert [write for write in rig.written() if "shop-pr-1" in write] == [], "and it is quiet"


async def test_a_new_commit_brings_an_expired_preview_back(rig: Rig) -> None:
    rig.outside.pull_requests["acme/shop"] = pulls(1)
    rig.shop()
    await rig.converge()
    await see_to_environments(rig)
    loop().jump(8 * DAY)
    await see_to_environments(rig)
    assert decisions(rig) == {1: "Expired"}

    newer = (OpenPullRequest(1, sha("b"), "topic-1"),)
    rig.outside.pull_requests["acme/shop"] = PullRequestListing(newer, complete=True)
    await rig.poll()
    await rig.reconcile()
    assert decisions(rig) == {1: "Previewed"}
    await see_to_environments(rig)

    assert decisions(rig) == {1: "Previewed"}
    assert rig.status("Environment", "shop-pr-1", MADE)["phase"] == "Deploying"
    assert rig.cluster.has("Deployment", "shop-pr-1", MADE)
