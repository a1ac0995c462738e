"""Tags, promotion, pins and what waits to be told, with the Project's controller."""

import asyncio
from typing import Any

import pytest

from kapsa.core.projects.listings import RefListing
from tests.builders import ready, sha
from tests.unit.controllers.project_rig import KEY, MADE, SHOP, Rig, pulls, tag
from tests.unit.controllers.virtual_time import cancel
from tests.unit.controllers.world import IMAGE, World

OTHER = f"registry.example.com/acme/shop@sha256:{'12' * 32}"
PROMOTED = [{"name": "staging", "branch": "main"}, {"name": "production", "promoteFrom": "staging"}]
MANUAL = [{"name": "production", "branch": "main", "autoSync": False}]


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    made.outside.pull_requests["acme/shop"] = pulls()
    yield made
    await cancel(made.task)


def production(world: World) -> Any:
    return world.cluster.live("Environment", "shop-production", MADE)


def summary(world: World, name: str = "shop-production") -> dict[str, Any]:
    """Return what the Project's status says of an Environment."""
    status = world.status("Project", "shop", "team-a")
    return next((item for item in status.get("environments", ()) if item["name"] == name), {})


def runs(rig: Rig, name: str) -> None:
    """Have an Environment run what it is told to, and be Ready."""
    live = rig.cluster.live("Environment", name, MADE)
    spec = live["spec"]
    live["status"] = {**ready(), "image": spec["image"], "commit": spec["commit"]}
    rig.cluster.put(live)


def lookups(rig: Rig) -> list[str]:
    return [question for question in rig.outside.asked if question.startswith("image")]


async def quiet(rig: Rig) -> None:
    """Assert that nothing is written or looked up when nothing has changed."""
    rig.written()
    before = lookups(rig)
    for _ in range(3):
        await rig.reconcile()
    assert rig.written() == []
    assert lookups(rig) == before


async def listed(rig: Rig, commit: str, **tags: str) -> None:
    """Have the repository read anew: its branch is at a commit, and it has tags."""
    rig.outside.refs[SHOP] = RefListing({"main": sha(commit)}, True, tags=tags)
    await rig.poll()
    await rig.reconcile()


async def test_the_newest_tag_is_rolled_out_and_shows(rig: Rig) -> None:
    rig.shop(environments=[{"name": "production", "tag": "v*"}])
    await rig.converge()
    assert rig.names() == []
    assert rig.status_now()["candidates"][0]["reason"] == "TagNotFound"
    await listed(rig, "x", v9=sha("a"), v10=sha("b"))
    live = production(rig)
    assert (live["spec"]["commit"], live["spec"]["image"]) == (sha("b"), IMAGE)
    assert live["metadata"]["annotations"]["kapsa-project.io/tag"] == "v10"
    assert "branch" not in live["spec"]
    await quiet(rig)


async def test_a_promoted_image_is_the_digest_that_runs_there_and_is_never_looked_up(
    rig: Rig,
) -> None:
    rig.shop(environments=PROMOTED)
    await rig.converge()
    assert rig.names() == ["shop-staging"]
    runs(rig, "shop-staging")
    rig.outside.images[tag("a")] = OTHER
    await rig.reconcile()
    assert (production(rig)["spec"]["commit"], production(rig)["spec"]["image"]) == (
        sha("a"),
        IMAGE,
    )
    assert lookups(rig) == [f"image {tag('a')}"]
    await listed(rig, "b")
    assert rig.cluster.live("Environment", "shop-staging", MADE)["spec"]["commit"] == sha("b")
    assert production(rig)["spec"]["commit"] == sha("a")
    await quiet(rig)


async def test_what_waits_to_be_told_is_pending_and_shows_what_is_available(rig: Rig) -> None:
    rig.outside.images.clear()
    rig.shop(environments=MANUAL)
    again = await rig.converge()
    assert again is not None
    assert 0 < again <= 10
    assert rig.names() == []
    assert summary(rig) == {
        "name": "shop-production",
        "namespace": MADE,
        "type": "permanent",
        "ready": False,
        "phase": "Pending",
        "available": {"commit": sha("a")},
    }
    rig.outside.images[tag("a")] = IMAGE
    await asyncio.sleep(10)
    assert await rig.reconcile() is None
    assert summary(rig)["available"] == {"commit": sha("a"), "image": IMAGE}
    await quiet(rig)


async def test_a_revision_rolls_out_and_the_next_commit_is_available_again(rig: Rig) -> None:
    rig.shop(environments=MANUAL)
    await rig.converge()
    rig.edit(environments=[MANUAL[0] | {"revision": sha("a")}])
    await rig.reconcile()
    assert (production(rig)["spec"]["commit"], production(rig)["spec"]["image"]) == (
        sha("a"),
        IMAGE,
    )
    assert "available" not in summary(rig)
    rig.edit(environments=MANUAL)
    await listed(rig, "b")
    assert production(rig)["spec"]["commit"] == sha("a")
    assert summary(rig)["available"] == {"commit": sha("b"), "image": IMAGE}
    await quiet(rig)


async def test_what_waits_to_be_told_still_follows_the_spec(rig: Rig) -> None:
    rig.shop(environments=[MANUAL[0] | {"revision": sha("a")}])
    await rig.converge()
    rig.edit(environments=MANUAL, build={"image": "registry.example.com/acme/new:{sha}"})
    rig.edit(runtime={"replicas": 3})
    await rig.reconcile()
    spec = production(rig)["spec"]
    assert (spec["runtime"]["replicas"], spec["image"]) == (3, IMAGE)


async def test_after_a_restart_nothing_that_is_available_is_taken_back_or_looked_up(
    rig: Rig,
) -> None:
    rig.shop(environments=MANUAL)
    await rig.converge()
    offered = summary(rig)
    again = World()
    again.cluster.objects = rig.cluster.objects
    again.cluster.feed(*again.state.all)
    again.outside.images = rig.outside.images
    await again.projects.reconcile(KEY)
    assert summary(again) == offered
    assert again.outside.asked == []


async def test_while_it_is_suspended_what_is_available_stays(rig: Rig) -> None:
    rig.shop(environments=MANUAL)
    await rig.converge()
    offered = summary(rig)
    rig.edit(suspend=True)
    await rig.reconcile()
    assert rig.ready() == ("False", "Suspended")
    assert summary(rig) == offered


async def test_an_image_that_is_pinned_needs_neither_registry_nor_repository(rig: Rig) -> None:
    rig.outside.refs[SHOP] = RuntimeError("down")
    rig.shop(
        registry={"name": "missing"},
        environments=[{"name": "production", "branch": "main", "image": OTHER}],
    )
    await rig.converge()
    assert production(rig)["spec"]["image"] == OTHER
    assert "commit" not in production(rig)["spec"]
    assert rig.images.obstacle((MADE, "shop-production")) is None
    assert lookups(rig) == []
    await quiet(rig)


async def test_a_release_is_taken_back_by_its_digest(rig: Rig) -> None:
    rig.outside.images[tag("b")] = OTHER
    rig.shop(environments=[{"name": "production", "branch": "main"}])
    await rig.converge()
    runs(rig, "shop-production")
    await listed(rig, "b")
    assert production(rig)["spec"]["image"] == OTHER
    rig.edit(environments=[{"name": "production", "branch": "main", "image": IMAGE}])
    await rig.reconcile()
    spec = production(rig)["spec"]
    assert (spec["image"], spec["commit"]) == (IMAGE, sha("a")), "its status knew of which commit"
    rig.edit(environments=[{"name": "production", "branch": "main"}])
    await rig.reconcile()
    assert production(rig)["spec"]["image"] == OTHER
