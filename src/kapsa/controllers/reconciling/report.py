"""The one exit through which a status is written: whole, once, and only where it says something.

What has changed for better or worse is told by Events afterwards.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError

from kapsa.adapters.cluster import Cluster
from kapsa.controllers.reconciling.cache import Cache, Manifest
from kapsa.controllers.reconciling.events import Recorder
from kapsa.core.conditions import Finding, conditions_of
from kapsa.core.environments.expiry import Lifetime
from kapsa.core.status import Status, worth_writing
from kapsa.core.transitions import Transition, transitions, troubles
from kapsa.models.conditions import ConditionType
from kapsa.models.meta import Condition
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Reporter:
    """Writes statuses.

    Attributes:
        cluster: The API.
        recorder: Tells the news.
    """

    cluster: Cluster
    recorder: Recorder

    async def report(self, cache: Cache, live: Manifest, *, new: Status, previous: Status) -> None:
        """Write a status where it is worth it.

        Raises:
            Waiting: The API server can't be reached, or the object is gone.
        """
        status = worth_writing(new, previous)
        if status is not None:
            await self._write(cache, live, status.to_json())
            self.recorder.record(live, transitions(status, previous))

    async def report_invalid(
        self, cache: Cache, live: Manifest, error: ValidationError, now: str
    ) -> None:
        """Say on an object that breaks the models' rules what is wrong with it."""
        status: dict[str, Any] = live.get("status") or {}
        previous = _conditions_in(status)
        details = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:3]
        )
        message = sanitise(f"the object breaks a rule of this version of Kapsa: {details}")
        conditions = conditions_of(
            (
                Finding(ConditionType.READY, False, Reason.INVALID_SPEC, message),
                Finding(ConditionType.STALLED, True, Reason.INVALID_SPEC, message),
            ),
            previous,
            generation=int(live["metadata"].get("generation") or 0),
            now=now,
        )
        name = live["metadata"]["name"]
        log.warning("invalid object", kind=live["kind"], name=name, error=details)
        if conditions != previous:
            said = [condition.to_json() for condition in conditions]
            await self._write(cache, live, {**status, "conditions": said})
            self.recorder.record(live, troubles(conditions, previous))

    def tell_of_end(self, live: Manifest, life: Lifetime) -> None:
        """Tell of an Environment that was deleted since its time is over: it has no status more."""
        if life.expired is not None:
            note = "its time is over: it stands alone, and was deleted"
            self.recorder.record(live, (Transition("Normal", life.expired.reason, note),))

    async def _write(self, cache: Cache, live: Manifest, status: Manifest) -> None:
        cache.observe("MODIFIED", await self.cluster.apply_status(cache.resource, live, status))


def _conditions_in(status: Manifest) -> tuple[Condition, ...]:
    """Return the conditions of a stored status; nothing where they make no sense."""
    try:
        stored = status.get("conditions") or ()
        return tuple(Condition.model_validate(item) for item in stored)
    except ValidationError:
        return ()
