"""Events: told once, by the leader only, and never at anybody's cost."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest, NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.reconciling.events import MOST_OF_ONE, WINDOW, EventRecorder
from kapsa.core.transitions import Transition
from tests.builders import environment_manifest, pool_manifest
from tests.fakes import FakeCluster
from tests.unit.controllers.environment_rig import reconcile, roll_out, web
from tests.unit.controllers.virtual_time import cancel
from tests.unit.controllers.world import VirtualClock, World

READY = Transition("Normal", "Ready", "it runs")


class Desk:
    """A recorder that posts, and what it has posted."""

    def __init__(self) -> None:
        self.cluster = FakeCluster(fence=self._fence)
        self.leads = True
        self.recorder = EventRecorder(self.cluster, VirtualClock(), "a")
        self.start()
        self.live = self.cluster.put(environment_manifest())

    def start(self) -> None:
        self.task = asyncio.create_task(self.recorder.run())

    def _fence(self) -> None:
        if not self.leads:
            raise NotFenced("another one leads")

    async def tell(self, *news: Transition, about: Manifest | None = None) -> None:
        self.recorder.record(about or self.live, news)
        await asyncio.sleep(1)

    def notes(self) -> list[str]:
        return [item["note"] for key, item in self.cluster.objects.items() if key[0] == "Event"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await cancel(made.task)


async def test_an_event_names_the_object_that_it_is_about(desk: Desk) -> None:
    await desk.tell(READY)
    (posted,) = (item for key, item in desk.cluster.objects.items() if key[0] == "Event")
    assert posted["metadata"]["namespace"] == "team-a"
    assert posted["regarding"] == {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "Environment",
        "namespace": "team-a",
        "name": "web",
        "uid": desk.live["metadata"]["uid"],
    }


async def test_the_same_news_is_told_again_only_much_later(desk: Desk) -> None:
    for _ in range(3):
        await desk.tell(READY)
    assert desk.notes() == ["it runs"]
    await asyncio.sleep(WINDOW)
    await desk.tell(READY)
    assert desk.notes() == ["it runs", "it runs"]


async def test_what_comes_back_after_other_news_is_told_again(desk: Desk) -> None:
    bad = Transition("Warning", "RepositoryUnreachable", "no answer")
    good = Transition("Normal", "RepositoryAccessible", "read")
    for news in (bad, good, bad, good):
        await desk.tell(news)
    assert desk.notes() == ["no answer", "read", "no answer", "read"]


async def test_an_object_that_flaps_can_not_flood(desk: Desk) -> None:
    await desk.tell(READY)
    for number in range(5 * MOST_OF_ONE):
        await desk.tell(Transition("Warning", "WorkloadFailed", f"restart {number}"))
    assert len(desk.notes()) == MOST_OF_ONE
    other = desk.cluster.put(pool_manifest())
    await desk.tell(READY, about=other)
    assert desk.notes()[-1] == "it runs", "others are heard all the same"


@pytest.mark.parametrize(
    "error", [Stalled("ApplyRefused", "forbidden"), Waiting("ApiServerUnavailable", "500")], ids=str
)
async def test_what_can_not_be_posted_is_lost_and_the_next_is_posted(
    desk: Desk, error: Exception
) -> None:
    desk.cluster.fail(error, "create", "Event")
    await desk.tell(READY)
    await desk.tell(Transition("Normal", "Ready", "it runs again"))
    assert desk.notes() == ["it runs again"]


@pytest.mark.parametrize(
    ("reason", "level"), [("ApplyRefused", "warning"), ("NamespaceTerminating", "debug")]
)
async def test_what_can_not_be_posted_is_logged_loudly_unless_its_namespace_goes(
    desk: Desk, logs: list[MutableMapping[str, Any]], reason: str, level: str
) -> None:
    desk.cluster.fail(Waiting(reason, "no"), "create", "Event")
    await desk.tell(READY)
    assert [entry["log_level"] for entry in logs] == [level]


async def test_a_server_that_hangs_holds_nobody_up_for_long(desk: Desk) -> None:
    desk.cluster.fail(None, "create", "Event", delay=3600.0)
    await desk.tell(READY, Transition("Normal", "Ready", "it runs again"))
    await asyncio.sleep(10)
    assert desk.notes() == ["it runs again"]


async def test_who_does_not_lead_posts_nothing(desk: Desk) -> None:
    desk.leads = False
    await desk.tell(READY)
    assert desk.notes() == []


async def test_what_was_not_posted_in_time_is_not_posted_by_a_later_term(desk: Desk) -> None:
    desk.recorder.record(desk.live, [READY])
    await cancel(desk.task)
    desk.start()
    await asyncio.sleep(1)
    assert desk.notes() == []


async def test_of_objects_that_are_many_or_gone_nothing_is_remembered_for_ever(desk: Desk) -> None:
    for number in range(2500):
        live = environment_manifest(metadata={"uid": f"uid-{number}"})
        desk.recorder.record(live, [Transition("Normal", "Ready", str(number))])
        if number % 500 == 0:
            await asyncio.sleep(1)
    assert len(desk.recorder._told) <= 2000
    await asyncio.sleep(WINDOW)
    await desk.tell(READY)
    assert len(desk.recorder._told) == 1


async def test_a_healthy_environment_tells_one_thing_after_its_status_is_written() -> None:
    world = World()
    await reconcile(world, web())
    assert world.recorder.news == []
    roll_out(world)
    await reconcile(world)
    assert world.recorder.news == ["Normal Ready Environment web"]
    for _ in range(3):
        await reconcile(world)
    assert world.recorder.news == ["Normal Ready Environment web"]


async def test_the_end_of_one_that_is_deleted_for_its_age_is_told() -> None:
    world = World()
    await reconcile(world, web(ttl="1h"))
    await asyncio.sleep(3600)
    await reconcile(world)
    assert not world.cluster.has("Environment", "web", "team-a")
    assert world.recorder.news == ["Normal TtlExpired Environment web"]


async def test_a_status_that_was_not_written_is_not_told() -> None:
    world = World()
    await reconcile(world, web())
    roll_out(world)
    world.cluster.fail(Waiting("ApiServerUnavailable", "500"), "status", "Environment")
    with pytest.raises(Waiting):
        await reconcile(world)
    assert world.recorder.news == []


async def test_an_object_that_breaks_the_rules_is_told_once() -> None:
    world = World()
    await reconcile(world, web(type="imaginary"))
    await reconcile(world)
    assert world.recorder.news == ["Warning InvalidSpec Environment web"]
