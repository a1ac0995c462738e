"""The poller: how often it reads, and how soon again."""

import asyncio
import itertools

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.projects.polling import Source
from kapsa.core.projects.listings import RefListing
from tests.unit.controllers.polling_rig import DOWN, NO_PULLS, REFS, SHOP, A, B, Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize("interval", [10.0, 300.0, 3600.0])
async def test_a_poll_is_never_later_than_the_interval(rig: Rig, interval: float) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), interval)
        await asyncio.sleep(interval * 20)
    times = [time for time, _ in rig.told]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert len(gaps) >= 19
    assert all(0.9 * interval <= gap <= interval + 0.01 for gap in gaps)
    assert len({round(gap, 2) for gap in gaps}) > 5, "not all at once"


async def test_next_poll_at_says_when(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        announced = rig.poller.next_poll_at(A)
        await asyncio.sleep(301)
    assert announced is not None
    assert rig.told[1][0] == pytest.approx(announced, abs=0.01)


async def test_failures_slow_down_and_success_speeds_up_again(rig: Rig) -> None:
    rig.outside.refs[SHOP] = DOWN
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 100)
        await asyncio.sleep(3000)
        times = [time for time, _ in rig.told]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        for gap, factor in zip(gaps, [1, 2, 3, 4, 4, 4], strict=False):
            assert 0.9 * factor * 100 <= gap <= factor * 100
        rig.outside.refs[SHOP] = REFS
        await asyncio.sleep(400)
        rig.told.clear()
        await asyncio.sleep(1000)
    assert len(rig.told) >= 9


async def test_a_server_that_asks_for_patience_is_never_asked_before(rig: Rig) -> None:
    rig.outside.refs[SHOP] = Waiting("RateLimited", "later", 1000.0)
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 10)
        await asyncio.sleep(999)
        assert rig.polls() == 1
        await asyncio.sleep(2)
    assert rig.polls() == 2


async def test_one_empty_answer_is_looked_at_again_soon_and_believed_then(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        rig.outside.pull_requests["acme/shop"] = NO_PULLS
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
        assert rig.seen().pull_requests.empty_answers == 1
        await asyncio.sleep(2)
        assert rig.seen().pull_requests.empty_answers == 2
        polls = rig.polls()
        await asyncio.sleep(200)
    assert rig.polls() == polls


async def test_a_repository_that_is_still_empty_is_no_failure_of_the_forge(rig: Rig) -> None:
    rig.outside.refs[SHOP] = RefListing({}, complete=True)
    rig.outside.pull_requests["acme/shop"] = Stalled("RepositoryNotFound", "no pulls")
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
    assert rig.seen().problem is None
    assert not rig.seen().pull_requests.complete


async def test_a_failure_between_two_empty_answers_starts_the_count_anew(rig: Rig) -> None:
    rig.outside.pull_requests["acme/shop"] = NO_PULLS
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        rig.outside.pull_requests["acme/shop"] = DOWN
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
        rig.outside.pull_requests["acme/shop"] = NO_PULLS
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
    assert rig.seen().pull_requests.empty_answers == 1


async def test_a_shorter_interval_counts_from_now(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 3600)
        await asyncio.sleep(1)
        rig.poller.watch(A, Source(SHOP), 10)
        await asyncio.sleep(101)
    assert rig.polls() >= 10


async def test_a_second_project_with_a_shorter_interval_does_not_wait_for_the_first(
    rig: Rig,
) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 3600)
        await asyncio.sleep(1)
        rig.poller.watch(B, Source(SHOP), 10)
        await asyncio.sleep(101)
        assert rig.polls() >= 10
        rig.poller.unwatch(B)
        await asyncio.sleep(20)
        polls = rig.polls()
        await asyncio.sleep(1000)
    assert rig.polls() == polls


async def test_watching_again_the_same_way_polls_no_sooner(rig: Rig) -> None:
    with rig.running():
        for _ in range(50):
            rig.poller.watch(A, Source(SHOP), 300)
            await asyncio.sleep(1)
    assert rig.polls() == 1


async def test_poll_now_polls_now(rig: Rig) -> None:
    with rig.running():
        rig.poller.poll_now(A)
        rig.poller.watch(A, Source(SHOP), 3600)
        await asyncio.sleep(5)
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
    assert [time for time, _ in rig.told] == [0.0, 5.0]
