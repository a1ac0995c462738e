"""Looking up images: what is asked, how often, and what is remembered."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from kapsa.core.conditions import Blocked
from tests.builders import registry
from tests.unit.controllers.world import IMAGE, World, secret

TAG = "registry.example.com/acme/shop:abc"
KEY = ("team-a", "web")
PULL: dict[str, Any] = {"pullAuth": {"secretRef": {"name": "pull"}}}


@pytest.fixture
async def world() -> World:
    return World()


async def refusal(world: World, reference: str = TAG, **spec: Any) -> Blocked:
    answer = await world.images.resolve(reference, registry(**spec) if spec else None)
    assert isinstance(answer, Blocked)
    return answer


async def test_an_image_that_exists_is_found_by_its_digest(world: World) -> None:
    world.outside.images[TAG] = IMAGE
    assert await world.images.resolve(TAG, None) == IMAGE
    assert world.outside.credentials == [None]


async def test_one_that_does_not_exist_yet_is_asked_for_again_after_the_interval(
    world: World,
) -> None:
    blocked = await refusal(world)
    assert (blocked.reason, blocked.stalled, blocked.retry_after) == ("ImageNotFound", False, 10.0)
    await asyncio.sleep(4)
    assert (await refusal(world)).retry_after == 6.0
    assert len(world.outside.asked) == 1
    world.outside.images[TAG] = IMAGE
    await asyncio.sleep(6)
    assert await world.images.resolve(TAG, None) == IMAGE


async def test_a_registry_that_asks_for_patience_gets_it(world: World) -> None:
    world.outside.images[TAG] = Waiting("RateLimited", "later", 100.0)
    assert (await refusal(world)).retry_after == 100.0
    await asyncio.sleep(99)
    await refusal(world)
    assert len(world.outside.asked) == 1


async def test_what_a_person_must_change_is_asked_again_within_a_minute(world: World) -> None:
    world.outside.images[TAG] = Stalled("RegistryUnauthorized", "no")
    blocked = await refusal(world)
    assert (blocked.stalled, blocked.retry_after) == (True, 60.0)


async def test_an_image_that_stays_away_is_asked_for_ever_more_seldom(world: World) -> None:
    waits = []
    for _ in range(8):
        wait = (await refusal(world)).retry_after or 0.0
        waits.append(wait)
        await asyncio.sleep(wait)
    assert waits == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]
    assert len(world.outside.asked) == 8


async def test_a_registry_that_does_not_answer_is_asked_ever_more_seldom(world: World) -> None:
    world.outside.images[TAG] = Waiting("RegistryUnreachable", "reset")
    waits = []
    for _ in range(7):
        wait = (await refusal(world)).retry_after or 0.0
        waits.append(wait)
        await asyncio.sleep(wait)
    assert waits == [15.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    del world.outside.images[TAG]
    assert (await refusal(world)).retry_after == 10.0, "it has answered: the image isn't there"


async def test_it_says_the_same_however_often_it_looks(world: World) -> None:
    first = await refusal(world)
    await asyncio.sleep(10)
    second = await refusal(world)
    assert first.message == second.message
    assert "will be found within 5m" in first.message


async def test_a_registry_that_fails_in_between_does_not_start_it_anew(world: World) -> None:
    for answer, wait in ((None, 10.0), (Waiting("RateLimited", "later", 15.0), 15.0), (None, 20.0)):
        world.outside.images.pop(TAG, None)
        if answer is not None:
            world.outside.images[TAG] = answer
        assert (await refusal(world)).retry_after == wait
        await asyncio.sleep(wait)


async def test_another_commit_of_the_same_tag_is_asked_for_at_once(world: World) -> None:
    for _ in range(2):
        await refusal(world)
        await asyncio.sleep(10)
    await world.images.resolve(TAG, None, commit="b")
    assert len(world.outside.asked) == 3
    assert world.images.next_look(TAG, None, commit="b") == 10.0


async def test_what_a_tag_names_is_believed_for_a_while(world: World) -> None:
    world.outside.images[TAG] = IMAGE
    other = IMAGE.replace("ab", "cd")

    async def look() -> str | Blocked:
        return await world.images.resolve(TAG, None, commit="a", good_for=60.0)

    assert await look() == IMAGE
    world.outside.images[TAG] = other
    await asyncio.sleep(59)
    assert await look() == IMAGE
    assert world.images.next_look(TAG, None, commit="a") == 1.0
    await asyncio.sleep(1)
    assert await look() == other
    assert len(world.outside.asked) == 2


async def test_everything_is_asked_for_anew_when_something_has_changed(world: World) -> None:
    await refusal(world)
    world.outside.images["registry.example.com/acme/shop:main"] = IMAGE
    for _ in range(2):
        await world.images.resolve("registry.example.com/acme/shop:main", None, good_for=60.0)
    world.images.look_again()
    await refusal(world)
    await world.images.resolve("registry.example.com/acme/shop:main", None, good_for=60.0)
    assert len(world.outside.asked) == 4


async def test_what_one_project_asks_for_anew_is_not_looked_up_for_others(world: World) -> None:
    for project in ("one", "two"):
        await world.images.resolve(TAG, None, project=project)
    world.images.look_again_for("one")
    world.outside.asked.clear()
    await world.images.resolve(TAG, None, project="two")
    assert world.outside.asked == []
    await world.images.resolve(TAG, None, project="one")
    assert len(world.outside.asked) == 1


async def test_commits_that_never_got_an_image_are_not_remembered_for_ever(world: World) -> None:
    for number in range(3000):
        await world.images.resolve(f"registry.example.com/acme/shop:{number}", None)
        await asyncio.sleep(1)
    assert len(world.images._looks) <= 1000


async def test_the_credentials_of_a_registry_are_read_each_time(world: World) -> None:
    world.outside.images[TAG] = IMAGE
    for password in ("b25l", "dHdv"):
        world.cluster.put(secret("pull", username="bWU=", password=password))
        await world.images.resolve(TAG, registry(**PULL))
    assert [found and found.password for found in world.outside.credentials] == ["one", "two"]


async def test_credentials_are_sent_to_no_other_host(world: World) -> None:
    world.cluster.put(secret("pull", username="bWU=", password="b25l"))
    blocked = await refusal(world, "evil.example.com/acme/shop:abc", **PULL)
    assert blocked.reason == "RegistryMismatch"
    assert world.outside.asked == []


async def test_a_missing_secret_is_named(world: World) -> None:
    blocked = await refusal(world, **PULL)
    assert blocked.reason == "SecretNotFound"
    assert "Registry harbor: spec.pullAuth.secretRef names the Secret pull" in blocked.message


async def test_a_secret_without_its_keys_says_so(world: World) -> None:
    world.cluster.put(secret("pull", other="eA=="))
    assert (await refusal(world, **PULL)).reason == "SecretInvalid"


async def test_why_an_environment_has_no_image_is_remembered_and_told_once(world: World) -> None:
    blocked = Blocked("ImageNotFound", "not yet")
    for _ in range(3):
        world.images.note(KEY, blocked)
    assert world.images.obstacle(KEY) == blocked
    assert world.changed == [KEY]
    world.images.note(KEY, None)
    world.images.note(KEY, None)
    assert world.images.obstacle(KEY) is None
    assert world.changed == [KEY, KEY]
    assert not world.images._obstacles
