"""Tells people of transitions by Events, beside the statuses: `kubectl describe` shows them.

They are told once, never twice, and only if it costs nobody anything: a status is written before
its Events, no reconciliation waits for one, and one that can't be written is lost.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster, NotFenced
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.reconciling.cache import Manifest, uid_of
from kapsa.core.manifests.event import event
from kapsa.core.transitions import Transition
from kapsa.models.reasons import Reason

WINDOW = 600.0
"""Seconds within which what was told last of an object is not told again."""
MOST_OF_ONE = 6
"""Events of one object in that time."""
_MOST_WAITING = 1000
_MOST_OBJECTS = 2000
"""Objects of which it is known what was told."""
_TIMEOUT = 10.0

log = structlog.get_logger(__name__)


class Recorder(Protocol):
    """Takes news of objects."""

    def record(self, regarding: Manifest, news: Iterable[Transition]) -> None:
        """Take what there is to tell of a live object; returns at once and never fails."""


class EventRecorder:
    """Posts news as Events, as long as `run` runs."""

    def __init__(self, cluster: Cluster, clock: ServerClock, instance: str) -> None:
        """Take the API, whose fence holds for Events too, its time, and this operator's name."""
        self._cluster = cluster
        self._clock = clock
        self._instance = instance
        self._waiting: asyncio.Queue[Manifest] = asyncio.Queue(_MOST_WAITING)
        self._told: dict[str, list[tuple[float, Transition]]] = {}
        """By UID: when what was told of it. The object that spoke last is the last one."""
        self._works = True

    def record(self, regarding: Manifest, news: Iterable[Transition]) -> None:
        """Have the news told that weren't told lately, as far as the object has not said enough."""
        for transition in news:
            if self._waiting.full():
                log.debug("too much news at once", name=regarding["metadata"]["name"])
                return
            if self._is_worth_telling(uid_of(regarding), transition):
                self._waiting.put_nowait(
                    event(regarding, transition, at=self._clock.now(), instance=self._instance)
                )

    def _is_worth_telling(self, uid: str, transition: Transition) -> bool:
        now = asyncio.get_running_loop().time()
        self._forget_the_quiet(now)
        told = [(when, what) for when, what in self._told.pop(uid, ()) if now - when < WINDOW]
        is_repeated = bool(told) and told[-1][1] == transition
        is_news = not is_repeated and len(told) < MOST_OF_ONE
        self._told[uid] = [*told, (now, transition)] if is_news else told
        return is_news

    def _forget_the_quiet(self, now: float) -> None:
        """Forget objects that had no news for long, and the first ones where there are too many."""
        while self._told:
            uid, told = next(iter(self._told.items()))
            is_quiet = all(now - when >= WINDOW for when, _ in told)
            if not is_quiet and len(self._told) < _MOST_OBJECTS:
                return
            del self._told[uid]

    async def run(self) -> None:
        """Post what is recorded, until cancelled; what then still waits is forgotten."""
        try:
            while True:
                await self._post(await self._waiting.get())
        finally:
            while not self._waiting.empty():
                self._waiting.get_nowait()

    async def _post(self, manifest: Manifest) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                await self._cluster.create(manifest)
        except (AdapterError, NotFenced, TimeoutError) as error:
            is_leaving = getattr(error, "reason", None) == Reason.NAMESPACE_TERMINATING
            # Once loudly: whoever lacks the permission would otherwise read of nothing else.
            tell = log.warning if self._works and not is_leaving else log.debug
            tell("an Event was not posted", name=manifest["metadata"]["name"], why=str(error))
            self._works = self._works and is_leaving
        else:
            self._works = True
