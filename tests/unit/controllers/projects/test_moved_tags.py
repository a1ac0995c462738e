"""Tags that may move: what they name is followed, at the Project's poll interval."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.core.projects.listings import RefListing
from tests.builders import DIGEST, sha
from tests.unit.controllers.project_rig import KEY, MADE, SHOP, Rig, pulls
from tests.unit.controllers.virtual_time import cancel
from tests.unit.controllers.world import IMAGE

MAIN = "registry.example.com/acme/shop:main"
OTHER = IMAGE.replace(DIGEST, "sha256:" + "cd" * 32)
FOLLOWS = {"name": "production", "branch": "main"}
INTERVAL = 300
LOOK = f"image {MAIN}"


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    made.outside.pull_requests["acme/shop"] = pulls()
    made.outside.images[MAIN] = IMAGE
    yield made
    await cancel(made.task)


async def begin(rig: Rig, *environments: Manifest) -> None:
    rig.shop(
        build={"image": "registry.example.com/acme/shop:{branch}"},
        environments=list(environments or (FOLLOWS,)),
    )
    await rig.converge()
    await rig.reconcile()
    rig.written()


def image(rig: Rig, slug: str = "production") -> str:
    return str(rig.cluster.live("Environment", f"shop-{slug}", MADE)["spec"].get("image", ""))


def looks(rig: Rig) -> int:
    return rig.outside.asked.count(LOOK)


async def pass_an_interval(rig: Rig) -> None:
    """Do what the queue does in that time: reconcile when that was asked for."""
    end = rig.clock.now() + INTERVAL
    while rig.clock.now() < end:
        wait = await rig.reconcile()
        assert wait is not None
        await asyncio.sleep(max(min(wait, end - rig.clock.now()), 0.1))
    await rig.reconcile()


async def test_a_tag_that_moves_is_rolled_out_within_the_poll_interval(rig: Rig) -> None:
    await begin(rig)
    rig.outside.images[MAIN] = OTHER
    await pass_an_interval(rig)
    assert image(rig) == OTHER


async def test_a_tag_that_stays_writes_nothing_and_is_asked_for_once_an_interval(rig: Rig) -> None:
    await begin(rig)
    before = looks(rig)
    for number in range(1, 4):
        await pass_an_interval(rig)
        assert looks(rig) == before + number
    assert not [write for write in rig.written() if "Environment" in write]


async def test_looks_in_between_ask_nobody(rig: Rig) -> None:
    await begin(rig)
    before = looks(rig)
    for _ in range(5):
        await rig.reconcile()
        await asyncio.sleep(1)
    assert looks(rig) == before


async def test_a_new_commit_has_its_tag_looked_up_at_once(rig: Rig) -> None:
    await begin(rig)
    rig.outside.images[MAIN] = OTHER
    rig.outside.refs[SHOP] = RefListing({"main": sha("b")}, complete=True)
    await rig.poll()
    await rig.reconcile()
    assert image(rig) == OTHER


async def test_a_person_who_asks_has_it_looked_up_at_once(rig: Rig) -> None:
    await begin(rig)
    rig.outside.images[MAIN] = OTHER
    rig.annotate("now")
    await rig.reconcile()
    assert image(rig) == OTHER


async def test_what_others_look_up_in_vain_is_not_looked_up_because_of_it(rig: Rig) -> None:
    await begin(rig)
    del rig.outside.images[MAIN]
    await rig.images.resolve(MAIN, None, project="another")
    before = looks(rig)
    rig.annotate("now")
    await rig.reconcile()
    await rig.images.resolve(MAIN, None, project="another")
    assert looks(rig) == before + 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(None, "ImageNotFound"), (Waiting("RegistryUnreachable", "away"), "RegistryUnreachable")],
)
async def test_where_nothing_is_found_what_runs_keeps_running_and_says_so(
    rig: Rig, answer: Exception | None, reason: str
) -> None:
    await begin(rig)
    del rig.outside.images[MAIN]
    if answer is not None:
        rig.outside.images[MAIN] = answer
    await pass_an_interval(rig)
    assert image(rig) == IMAGE
    obstacle = rig.images.obstacle((MADE, "shop-production"))
    assert obstacle is not None
    assert obstacle.reason == reason

    await rig.environments.reconcile((MADE, "shop-production"))
    live = ("Environment", "shop-production", MADE)
    assert rig.condition("ImageReady", *live) == ("True", reason)
    assert not [write for write in rig.written() if write.startswith("apply Environment")]

    rig.outside.images[MAIN] = IMAGE
    await pass_an_interval(rig)
    await rig.environments.reconcile((MADE, "shop-production"))
    assert rig.condition("ImageReady", *live) == ("True", "ImageReady")


async def test_a_restart_rolls_out_nothing_but_what_has_moved(rig: Rig) -> None:
    await begin(rig)
    for now, writes in ((IMAGE, 0), (OTHER, 1)):
        again = Rig()
        again.cluster.objects = rig.cluster.objects
        again.outside.images[MAIN] = now
        again.cluster.feed(*again.state.all)
        await again.projects.reconcile(KEY)
        found = [write for write in again.written() if write.startswith("apply Environment")]
        assert len(found) == writes
        await cancel(again.task)


@pytest.mark.parametrize(
    "pinned",
    [
        FOLLOWS | {"image": IMAGE},
        FOLLOWS | {"revision": sha("a")},
        FOLLOWS | {"autoSync": False, "revision": sha("a")},
    ],
    ids=["by-image", "by-revision", "by-revision-without-sync"],
)
async def test_what_is_pinned_does_not_move(rig: Rig, pinned: Manifest) -> None:
    await begin(rig, pinned)
    rig.outside.images[MAIN] = OTHER
    await rig.reconcile()
    rig.images.look_again()
    await rig.reconcile()
    assert image(rig) == IMAGE


async def test_who_promotes_from_it_follows_once_that_is_ready(rig: Rig) -> None:
    await begin(rig, FOLLOWS, {"name": "live", "promoteFrom": "production"})
    live = rig.cluster.live("Environment", "shop-production", MADE)
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": "",
             "lastTransitionTime": "2026-01-01T00:00:00Z"}  # fmt: skip
    rig.cluster.put({**live, "status": {"image": IMAGE, "conditions": [ready]}})
    await rig.reconcile()
    rig.outside.images[MAIN] = OTHER
    await pass_an_interval(rig)
    assert (image(rig), image(rig, "live")) == (OTHER, IMAGE)
