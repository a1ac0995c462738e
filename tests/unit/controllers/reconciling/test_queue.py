"""The queue: which key is looked at, when, and by how many at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.reconciling.queue import Queue
from tests.unit.controllers.virtual_time import cancel, loop, now, settle

Seen = list[tuple[float, str]]


@asynccontextmanager
async def running(
    queue: Queue[str], reconcile: Callable[[str], Awaitable[float | None]], workers: int = 4
) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(reconcile, workers))
    try:
        yield
    finally:
        await cancel(task)


class Recorder:
    """Notes each look; takes `takes` seconds, and answers or raises what comes next."""

    def __init__(self, *answers: float | Exception | None, takes: float = 0.0) -> None:
        self.answers = list(answers)
        self.takes = takes
        self.seen: Seen = []
        self.busy = 0
        self.most_busy = 0
        self.most_busy_per_key: dict[str, int] = {}

    async def __call__(self, key: str) -> float | None:
        self.seen.append((round(now(), 3), key))
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        mine = self.most_busy_per_key
        mine[key] = mine.get(key, 0) + 1
        assert mine[key] == 1, f"two workers have {key}"
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.busy -= 1
            mine[key] -= 1
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.seen]


async def test_a_key_that_is_added_many_times_is_looked_at_once() -> None:
    queue, look = Queue[str]("test"), Recorder()
    for _ in range(10):
        queue.add("a")
    assert len(queue) == 1
    async with running(queue, look):
        await asyncio.sleep(5)
    assert look.seen == [(0.0, "a")]


async def test_one_worker_has_a_key_and_what_comes_meanwhile_is_looked_at_afterwards() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=10)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(1)
        for _ in range(5):
            queue.add("a")
        await asyncio.sleep(60)
    assert look.seen == [(0.0, "a"), (10.0, "a")]


async def test_the_earliest_time_that_was_asked_for_wins() -> None:
    queue, look = Queue[str]("test"), Recorder()
    async with running(queue, look):
        queue.add("a", 30)
        queue.add("a", 10)
        queue.add("a", 20)
        await asyncio.sleep(120)
    assert look.seen == [(10.0, "a")]


async def test_a_delay_that_ends_while_a_worker_has_the_key_is_not_forgotten() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=10)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(1)
        queue.add("a", 3)
        queue.add("b", 5)
        await asyncio.sleep(60)
    assert look.seen == [(0.0, "a"), (6.0, "b"), (10.0, "a")]


async def test_a_key_comes_back_after_the_seconds_that_its_look_asked_for() -> None:
    queue, look = Queue[str]("test"), Recorder(7.0, None)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(60)
    assert look.times == [0.0, 7.0]


async def test_back_off_doubles_and_ends_at_five_minutes() -> None:
    queue, look = Queue[str]("test"), Recorder(*[ValueError("surprise")] * 14)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(3600)
    gaps = [after - before for before, after in zip(look.times, look.times[1:], strict=False)]
    expected = [min(2.0**step, 300.0) for step in range(len(gaps))]
    assert len(gaps) > 10
    assert all(0.8 * want <= gap <= 1.2 * want for gap, want in zip(gaps, expected, strict=True))


async def test_success_resets_the_back_off() -> None:
    surprises = [ValueError("surprise")] * 5
    queue, look = Queue[str]("test"), Recorder(*surprises, 100.0, ValueError("again"), None)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(300)
    assert 0.8 <= look.times[-1] - look.times[-2] <= 1.2


async def test_a_deleted_object_leaves_no_memory_of_its_failures() -> None:
    queue, look = Queue[str]("test"), Recorder(*[ValueError("surprise")] * 4)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(7)
        queue.forget("a")
        look.answers = [ValueError("new life")]
        await asyncio.sleep(600)
    assert 0.8 <= look.times[-1] - look.times[-2] <= 1.2


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Waiting("Reconciling", "later", 12.0), 12.0),
        (Stalled("ApplyRefused", "a person must act"), 3600.0),
        (NotFenced("not elected"), 2.0),
        (Waiting("Reconciling", "the server says: retry after 0", 0.0), 1.0),
    ],
    ids=["waiting", "stalled", "not-fenced", "a-server-that-says-at-once-is-given-a-second"],
)
async def test_expected_failures_are_put_off_for_as_long_as_they_say(
    error: Exception, seconds: float
) -> None:
    queue, look = Queue[str]("test"), Recorder(error, None)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(4000)
    assert look.times == [0.0, seconds]


async def test_no_more_workers_than_allowed() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=1)
    async with running(queue, look, workers=3):
        for number in range(12):
            queue.add(f"{number}")
        await asyncio.sleep(60)
    assert look.most_busy == 3
    assert look.times == [float(number // 3) for number in range(12)]


async def test_a_key_that_always_comes_back_starves_no_other() -> None:
    queue, look = Queue[str]("test"), Recorder(*[0.0] * 1000, takes=1)
    async with running(queue, look, workers=1):
        queue.add("greedy")
        for number in range(5):
            queue.add(f"{number}")
        await asyncio.sleep(12)
    assert [key for _, key in look.seen][:6] == ["greedy", "0", "1", "2", "3", "4"]


async def test_one_sick_key_delays_no_other() -> None:
    queue = Queue[str]("test")
    looks: list[str] = []

    async def look(key: str) -> float | None:
        looks.append(key)
        if key == "sick":
            raise ValueError("surprise")
        return None

    async with running(queue, look, workers=1):
        for key in ("sick", "a", "b"):
            queue.add(key)
        await asyncio.sleep(0.5)
    assert looks == ["sick", "a", "b"]


async def test_a_look_that_is_cancelled_from_within_is_a_failure_like_others() -> None:
    queue = Queue[str]("test")
    looks = 0

    async def look(_: str) -> float | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise asyncio.CancelledError
        return None

    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(30)
    assert looks == 2


async def test_a_key_whose_look_was_interrupted_is_looked_at_when_the_queue_runs_again() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=10)
    async with running(queue, look):
        queue.add("a")
        await asyncio.sleep(1)
        queue.add("a")  # busy: it waits for the first look to end, which never does
        queue.add("b", 1)
        await asyncio.sleep(5)
    look.seen.clear()
    async with running(queue, look):
        await asyncio.sleep(60)
    assert sorted(key for _, key in look.seen) == ["a", "b"]


async def test_cancelling_ends_every_worker() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=1000)
    async with running(queue, look):
        for key in ("a", "b", "c"):
            queue.add(key)
        await asyncio.sleep(1)
        assert look.busy == 3
    assert look.busy == 0
    assert queue.last_beat == 0.0, "a queue that doesn't run can't be stuck"


async def test_what_is_no_exception_ends_the_queue_and_is_seen() -> None:
    class Fatal(BaseException):
        pass

    async def look(_: str) -> float | None:
        raise Fatal

    queue = Queue[str]("test")
    queue.add("a")
    with pytest.raises(BaseExceptionGroup) as raised:
        await queue.run(look, 1)
    assert raised.group_contains(Fatal)


async def test_putting_a_key_off_again_and_again_takes_no_memory() -> None:
    queue, look = Queue[str]("test"), Recorder(*[3600.0] * 1000)
    async with running(queue, look):
        queue.add("b", 1000)
        for _ in range(1000):
            queue.add("a")
            await asyncio.sleep(0.1)
        assert len(look.seen) == 1000
        assert len(queue) == 2
        assert len(queue._heap) < 200


async def test_it_beats_while_idle_and_not_while_every_worker_hangs() -> None:
    queue = Queue[str]("test")

    async def hang(_: str) -> float | None:
        await asyncio.Event().wait()
        return None

    async with running(queue, hang, workers=1):
        await asyncio.sleep(3600)
        assert loop().time() - queue.last_beat <= 30
        queue.add("a")
        await asyncio.sleep(3600)
        assert loop().time() - queue.last_beat >= 3500


async def test_idle_is_when_nothing_is_due_and_nobody_works() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=5)
    async with running(queue, look):
        assert queue.is_idle()
        queue.add("a", 10)
        assert queue.is_idle()
        queue.add("b")
        assert not queue.is_idle()
        await settle()
        assert not queue.is_idle()
        await asyncio.sleep(6)
        assert queue.is_idle()


async def test_a_key_is_worked_on_from_when_a_worker_has_it_until_it_is_done() -> None:
    queue, look = Queue[str]("test"), Recorder(takes=5)
    async with running(queue, look):
        queue.add("a", 10)
        assert not queue.works_on("a")
        await asyncio.sleep(12)
        assert queue.works_on("a")
        assert not queue.works_on("b")
        await asyncio.sleep(6)
        assert not queue.works_on("a")
