"""The one exit through which a status is written: whole, once, and only where it says something."""

from typing import Any

import structlog
from pydantic import ValidationError

from kapsa.adapters.cluster import Cluster
from kapsa.controllers.cache import Cache, Manifest
from kapsa.core.conditions import Finding, conditions_of
from kapsa.core.status import Status, worth_writing
from kapsa.models.conditions import ConditionType
from kapsa.models.meta import Condition
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

log = structlog.get_logger(__name__)


async def report(
    cluster: Cluster, cache: Cache, live: Manifest, *, new: Status, previous: Status
) -> None:
    """Write a status where it is worth it.

    Raises:
        Waiting: The API server can't be reached, or the object is gone.
    """
    status = worth_writing(new, previous)
    if status is not None:
        cache.observe(
            "MODIFIED", await cluster.apply_status(cache.resource, live, status.to_json())
        )


async def report_invalid(
    cluster: Cluster, cache: Cache, live: Manifest, error: ValidationError, now: str
) -> None:
    """Say on an object that breaks the models' rules what is wrong with it."""
    status: dict[str, Any] = live.get("status") or {}
    stored = status.get("conditions") or ()
    try:
        previous = tuple(Condition.model_validate(item) for item in stored)
    except ValidationError:
        previous = ()
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
    log.warning("invalid object", kind=live["kind"], name=live["metadata"]["name"], error=details)
    if conditions != previous:
        new = {**status, "conditions": [condition.to_json() for condition in conditions]}
        cache.observe("MODIFIED", await cluster.apply_status(cache.resource, live, new))
