"""A queue of keys: one worker per key at a time, each key once, later where that was asked for."""

import asyncio
import heapq
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.reconciling.outcome import retry_after

Key = TypeVar("Key", bound=Hashable)

Reconcile = Callable[[Key], Awaitable[float | None]]
"""Brings one key in order. Returns seconds after which to look again, None to wait for a change;
raises where that failed for reasons that nobody foresaw."""

_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 300.0
_MOST_STALE = 64
"""Entries beyond twice the number of keys at which the heap is made anew."""

log = structlog.get_logger(__name__)


class Queue(Generic[Key]):
    """Keys that have to be looked at.

    A key that is added while a worker has it is looked at once more afterwards. A key that waits
    is in the queue once, at the earliest time that anybody asked for.
    """

    def __init__(self, name: str) -> None:
        """Make an empty queue; `name` is for logs and metrics."""
        self.name = name
        self.last_beat = 0.0
        """Time of the event loop at which a worker, or the timer, was last alive."""
        self._due: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._sequence = 0
        self._busy: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of keys that wait."""
        return len(self._due)

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Have the key looked at after `delay` seconds, or earlier where that is due."""
        due = asyncio.get_running_loop().time() + delay
        if key in self._due and self._due[key][0] <= due:
            return
        self._sequence += 1
        self._due[key] = (due, self._sequence)
        self._push(key)
        self._changed.set()

    def forget(self, key: Key) -> None:
        """Drop the memory of the key's failures: its object is gone."""
        self._failures.pop(key, None)

    def works_on(self, key: Key) -> bool:
        """Tell whether a worker has the key."""
        return key in self._busy

    def is_idle(self) -> bool:
        """Tell whether no key is due now and no worker has one."""
        now = asyncio.get_running_loop().time()
        return not self._busy and all(due > now for due, _ in self._due.values())

    async def run(self, reconcile: Reconcile[Key], workers: int) -> None:
        """Hand out due keys to at most `workers` tasks at a time, until cancelled.

        What was interrupted by that is due at once when the queue runs again.
        """
        try:
            async with asyncio.TaskGroup() as group:
                slots = asyncio.Semaphore(workers)
                while True:
                    await slots.acquire()
                    key = await self._next()
                    self._busy.add(key)
                    group.create_task(self._work(key, reconcile, slots))
        finally:
            self.last_beat = 0.0
            interrupted, self._busy = self._busy, set()
            for key in interrupted:
                self.add(key)
            self._rebuild()

    async def _work(self, key: Key, reconcile: Reconcile[Key], slots: asyncio.Semaphore) -> None:
        try:
            after = await reconcile(key)
        except (AdapterError, NotFenced) as error:
            after = retry_after(error)
            log.warning("reconciliation put off", queue=self.name, key=str(key), why=str(error))
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                raise
            after = self._back_off(key)
            log.exception("reconciliation failed", queue=self.name, key=str(key), retry_in=after)
        else:
            self._failures.pop(key, None)
        self._busy.discard(key)
        slots.release()
        self.last_beat = asyncio.get_running_loop().time()
        if key in self._due:
            # It was added while it was worked on, and passed over meanwhile.
            self._push(key)
            self._changed.set()
        if after is not None:
            self.add(key, after)

    def _push(self, key: Key) -> None:
        heapq.heappush(self._heap, (*self._due[key], key))
        if len(self._heap) > 2 * len(self._due) + _MOST_STALE:
            self._rebuild()

    def _rebuild(self) -> None:
        """Make the heap anew, without entries of keys that are due at another time by now."""
        self._heap = [(*due, key) for key, due in self._due.items()]
        heapq.heapify(self._heap)

    def _back_off(self, key: Key) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        longest = min(_FIRST_BACKOFF * 2.0 ** min(failures - 1, 16), _LONGEST_BACKOFF)
        return longest * random.uniform(0.8, 1.2)  # noqa: S311 - no secret

    async def _next(self) -> Key:
        """Return the key that is due first and that no worker has, when it is due."""
        loop = asyncio.get_running_loop()
        while True:
            self.last_beat = loop.time()
            self._changed.clear()
            wait = 30.0
            while self._heap:
                due, number, key = self._heap[0]
                if self._due.get(key) != (due, number) or key in self._busy:
                    heapq.heappop(self._heap)
                elif due <= loop.time():
                    heapq.heappop(self._heap)
                    del self._due[key]
                    return key
                else:
                    wait = min(wait, due - loop.time())
                    break
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue


def _is_being_cancelled() -> bool:
    """Tell whether this task is to end, and not only something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
