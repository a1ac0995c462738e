"""A registry that hangs keeps one waiting at a time, and no other registry."""

import asyncio

import pytest

from kapsa.adapters.errors import Waiting
from kapsa.controllers.reconciling.queue import Queue
from kapsa.core.conditions import Blocked
from tests.builders import registry
from tests.unit.controllers.virtual_time import cancel, now
from tests.unit.controllers.world import IMAGE, World

HANGS = "hangs.example.com/acme/secret-plan:1"
GOOD = "registry.example.com/acme/shop:1"
TIMEOUT = 10.0


@pytest.fixture
async def world() -> World:
    made = World()
    made.outside.images[GOOD] = IMAGE
    return made


async def look(world: World, project: str, reference: str = HANGS, name: str = "") -> float:
    """Look up an image; return how many seconds that took."""
    named = registry(name, endpoint=reference.partition("/")[0]) if name else None
    began = now()
    world.outside.images.setdefault(reference, Waiting("RegistryUnreachable", "the secret plan"))
    world.outside.delay = 0.0 if reference == GOOD else TIMEOUT
    await world.images.resolve(reference, named, project=project)
    return now() - began


async def test_others_do_not_wait_for_a_registry_that_hung_lately(world: World) -> None:
    assert await look(world, "one") == TIMEOUT
    assert await look(world, "two") == 0.0
    assert len(world.outside.asked) == 1


async def test_they_learn_that_it_hangs_and_nothing_of_what_was_asked_before(world: World) -> None:
    await look(world, "one")
    blocked = await world.images.resolve("hangs.example.com/b:1", None, project="two")
    assert isinstance(blocked, Blocked)
    assert blocked.reason == "RegistryUnreachable"
    assert blocked.message == (
        "The registry hangs.example.com did not answer in time; Kapsa tries again."
    )
    assert blocked.retry_after == 15.0


async def test_after_a_while_one_finds_out_whether_it_still_hangs(world: World) -> None:
    await look(world, "one")
    await asyncio.sleep(15)
    times = await asyncio.gather(*(look(world, str(number)) for number in range(5)))
    assert sorted(times) == [0.0] * 4 + [TIMEOUT]
    assert await look(world, "more") == 0.0, "it is spared anew"


async def test_once_it_answers_everybody_asks_again(world: World) -> None:
    await look(world, "one")
    await asyncio.sleep(15)
    world.outside.images[HANGS] = IMAGE
    await look(world, "two")
    world.outside.asked.clear()
    for project in ("three", "four"):
        assert await world.images.resolve(HANGS, None, project=project) == IMAGE
    assert len(world.outside.asked) == 2


async def test_a_look_that_is_given_up_leaves_no_registry_spared(world: World) -> None:
    await look(world, "one")
    await asyncio.sleep(15)
    task = asyncio.create_task(look(world, "two"))
    await asyncio.sleep(1)
    await cancel(task)
    assert await look(world, "three") == TIMEOUT


async def test_other_registries_are_asked_meanwhile(world: World) -> None:
    await look(world, "one")
    await look(world, "two", GOOD)
    assert world.outside.asked[-1] == f"image {GOOD}"


async def test_who_names_another_registry_of_the_host_asks_for_themselves(world: World) -> None:
    await look(world, "one", name="harbor")
    assert await look(world, "two", name="harbor") == 0.0
    assert await look(world, "two", name="mirror") == TIMEOUT


async def test_a_registry_that_has_changed_is_asked_at_once(world: World) -> None:
    await look(world, "one", name="harbor")
    world.images.look_again("mirror")
    assert await look(world, "two", name="harbor") == 0.0
    world.images.look_again("harbor")
    assert await look(world, "three", name="harbor") == TIMEOUT


async def test_one_that_fails_without_delay_keeps_being_asked(world: World) -> None:
    world.outside.images[HANGS] = Waiting("RegistryUnreachable", "refused")
    for project in ("one", "two"):
        await world.images.resolve(HANGS, None, project=project)
    assert len(world.outside.asked) == 2


async def test_registries_that_nobody_asks_any_more_are_forgotten(world: World) -> None:
    for number in range(1200):
        await look(world, "one", f"h{number}.example.com/a:1")
    assert len(world.images._hangs._hangs) <= 1000


async def test_many_sick_projects_do_not_keep_a_good_one_waiting(world: World) -> None:
    """As the queue of Projects does it: eight workers, and 45 Projects of a registry that hangs."""
    queue: Queue[str] = Queue("projects")
    world.outside.images[HANGS] = Waiting("RegistryUnreachable", "it hangs")
    served: list[float] = []

    async def reconcile(key: str) -> float:
        if key == "good":
            served.append(now())
            return 5.0
        world.outside.delay = TIMEOUT
        blocked = await world.images.resolve(HANGS, None, project=key)
        assert isinstance(blocked, Blocked)
        assert blocked.retry_after is not None
        return blocked.retry_after

    for number in range(45):
        queue.add(f"sick-{number}")
    queue.add("good")
    task = asyncio.create_task(queue.run(reconcile, 8))
    await asyncio.sleep(600)
    await cancel(task)
    gaps = [later - earlier for earlier, later in zip([0.0, *served], served, strict=False)]
    assert gaps[0] == TIMEOUT, "eight begin at once, before anybody knows"
    assert max(gaps[1:]) == 5.0
