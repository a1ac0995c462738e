"""The status of a Registry."""

from kapsa.core.conditions import (
    Blocked,
    Finding,
    conditions_of,
    found,
    missing,
    progress,
)
from kapsa.core.images.verdict import Verdict
from kapsa.models.conditions import ConditionType
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry, RegistryStatus
from kapsa.utils.times import from_rfc3339, to_rfc3339


def registry_status(
    registry: Registry, verdict: Verdict, now: float, interval: float
) -> RegistryStatus:
    """Return the status of a Registry.

    Args:
        registry: The Registry.
        verdict: What it said just now.
        now: The time (Unix seconds).
        interval: Seconds that lie between two times in `lastVerified` at least.
    """
    trouble = verdict.trouble(registry.metadata.name)
    last = registry.status.last_verified
    noted = from_rfc3339(last) if last else None
    if trouble is None and (noted is None or not 0 <= now - noted < interval):
        last = to_rfc3339(now)
    return RegistryStatus(
        observed_generation=registry.metadata.generation,
        conditions=conditions_of(
            (
                _ready(registry, trouble),
                _reachable(registry, verdict),
                _authenticated(verdict, trouble),
                *progress(trouble),
            ),
            registry.status.conditions,
            generation=registry.metadata.generation,
            now=to_rfc3339(now),
        ),
        verified=trouble is None,
        last_verified=last,
    )


def _ready(registry: Registry, trouble: Blocked | None) -> Finding:
    if trouble is not None:
        return missing(ConditionType.READY, trouble)
    return found(
        ConditionType.READY, Reason.REGISTRY_READY, f"{registry.spec.endpoint} can be used"
    )


def _reachable(registry: Registry, verdict: Verdict) -> Finding:
    if verdict.is_reached:
        return found(
            ConditionType.REACHABLE,
            Reason.REGISTRY_READY,
            f"{registry.spec.endpoint} answers as a registry",
        )
    assert verdict.problem is not None
    problem = verdict.problem
    return Finding(ConditionType.REACHABLE, verdict.is_reached, problem.reason, problem.message)


def _authenticated(verdict: Verdict, trouble: Blocked | None) -> Finding:
    if trouble is None:
        return found(
            ConditionType.AUTHENTICATED,
            Reason.REGISTRY_READY,
            "the registry gives Kapsa what Projects need there",
        )
    status = None if verdict.is_reached is False else False
    return Finding(ConditionType.AUTHENTICATED, status, trouble.reason, trouble.message)
