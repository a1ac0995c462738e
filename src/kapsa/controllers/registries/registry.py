"""Reconciles a Registry: asks it whether it gives Kapsa what is needed there, and says so."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.registry import Access
from kapsa.controllers.reconciling.cache import Key, Manifest
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.reconciling.report import Reporter
from kapsa.controllers.registries.access import RegistryAccess
from kapsa.controllers.registries.verdicts import Verdicts
from kapsa.controllers.state import State, parse
from kapsa.core.images.rights import PULL, PUSH, Right, asked_for
from kapsa.core.images.verdict import Verdict, push_refusal
from kapsa.core.registry_status import registry_status
from kapsa.metrics import REGISTRY_VERIFICATIONS
from kapsa.models.registry import Registry
from kapsa.utils.durations import parse_duration
from kapsa.utils.times import to_rfc3339

_SECRETS_EVERY = 30.0
"""Seconds between two looks at the Secrets of a Registry, which aren't watched."""


class Verifier(Protocol):
    """Tries credentials; see `kapsa.adapters.registry.RegistryClient`."""

    async def verify(
        self, endpoint: str, access: Access, rights: Sequence[Right] = ()
    ) -> Mapping[Right, str]:
        """Return which rights the registry refuses, with its words."""


@dataclass(frozen=True)
class _Question:
    """What a Registry is asked, and as whom."""

    generation: int
    pull: Access
    push: Access | None
    needed: frozenset[Right]


@dataclass(frozen=True)
class RegistryController:
    """Brings the status of Registries in order.

    Attributes:
        reporter: Writes statuses.
        state: The caches.
        access: Knows the credentials.
        verifier: Asks the registry.
        verdicts: What Projects need of it, and where they find what it said.
        clock: The API server's time.
        look_again: Told of each Registry that has other credentials than before, or can be used
            again: what was looked up there in vain is to be looked up anew.
        retry_interval: Seconds between two looks at one that can't be used, and the fewest
            between two at one that can.
    """

    reporter: Reporter
    state: State
    access: RegistryAccess
    verifier: Verifier
    verdicts: Verdicts
    clock: ServerClock
    look_again: Callable[[str], None]
    retry_interval: float = 60.0
    _asked: dict[str, tuple[_Question, float]] = field(default_factory=dict)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Registry in order; return the seconds after which to look again."""
        live = self.state.registries.get(*key)
        if live is None or live["metadata"].get("deletionTimestamp"):
            self._asked.pop(key[1], None)
            self.verdicts.note(key[1], None)
            return None
        registry = parse(Registry, live)
        if isinstance(registry, ValidationError):
            now = to_rfc3339(self.clock.now())
            await self.reporter.report_invalid(self.state.registries, live, registry, now)
            return None
        return await self._reconcile(live, registry)

    async def _reconcile(self, live: Manifest, registry: Registry) -> float:
        name = registry.metadata.name
        interval = max(parse_duration(registry.spec.verify_interval), self.retry_interval)
        again, pause = interval, self.retry_interval
        question: _Question | None = None
        try:
            question = await self._question(registry)
            left = self._time_left(name, question)
            if left > 0:
                return min(left, self._longest_pause)
            verdict = Verdict(refused=await self._ask(registry, question))
        except AdapterError as error:
            failure = interpret(error)
            verdict = Verdict(replace(failure.blocked, retry_after=None))
            if not failure.blocked.stalled:
                pause = max(pause, failure.retry_after)
        trouble = verdict.trouble(name)
        REGISTRY_VERIFICATIONS.labels(result="failed" if trouble else "ok").inc()
        if trouble is not None:
            again = pause
        if question is not None:
            self._asked[name] = (question, asyncio.get_running_loop().time() + again)
        else:
            # What was said to former credentials says nothing once they are back.
            self._asked.pop(name, None)
        await self.reporter.report(
            self.state.registries,
            live,
            new=registry_status(registry, verdict, self.clock.now(), interval),
            previous=registry.status,
        )
        before = self.verdicts.of(name)
        if before is not None and before.problem is not None and verdict.problem is None:
            self.look_again(name)
        self.verdicts.note(name, verdict)
        return min(again, self._longest_pause)

    @property
    def _longest_pause(self) -> float:
        return min(_SECRETS_EVERY, self.retry_interval)

    def _time_left(self, name: str, question: _Question) -> float:
        """Return the seconds for which what the Registry said to the question holds."""
        before, again_at = self._asked.get(name, (None, 0.0))
        if before != question:
            if before is not None and (before.pull, before.push) != (question.pull, question.push):
                self.look_again(name)
            return 0.0
        return again_at - asyncio.get_running_loop().time()

    async def _question(self, registry: Registry) -> _Question:
        """Return what the Registry is to be asked.

        Raises:
            Stalled: There are no usable credentials.
            Waiting: They can't be had now.
        """
        can_push = push_refusal(registry) is None
        return _Question(
            registry.metadata.generation,
            await self.access.pull(registry),
            await self.access.push(registry) if can_push else None,
            self.verdicts.needed(registry.metadata.name),
        )

    async def _ask(self, registry: Registry, question: _Question) -> dict[Right, str]:
        """Return what the Registry refuses.

        Raises:
            Stalled: It takes one of the credentials for nothing at all.
            Waiting: It can't be asked now.
        """
        endpoint = registry.spec.endpoint
        pull, push = asked_for(question.needed, PULL), asked_for(question.needed, PUSH)
        if question.push is None:
            return {**await self.verifier.verify(endpoint, question.pull, pull)}
        if question.push == question.pull:
            return {**await self.verifier.verify(endpoint, question.push, (*push, *pull))}
        refused = await self.verifier.verify(endpoint, question.push, push)
        if question.pull.credentials is None and not pull:
            # Nobody looks anything up as a stranger.
            return {**refused}
        return {**refused, **await self.verifier.verify(endpoint, question.pull, pull)}
