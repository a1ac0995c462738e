"""Conditions of a status: what was found, turned into the standard form."""

from collections.abc import Iterable
from dataclasses import dataclass

from kapsa.models.conditions import ConditionType
from kapsa.models.meta import Condition
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise


@dataclass(frozen=True)
class Finding:
    """What holds, or doesn't, of one aspect of an object.

    Attributes:
        type: Type of the condition.
        status: Whether it holds; None where that isn't known.
        reason: A constant of `kapsa.models.reasons`.
        message: A sentence for people.
    """

    type: ConditionType
    status: bool | None
    reason: str
    message: str


@dataclass(frozen=True)
class Blocked:
    """Why something can't go on.

    Attributes:
        reason: A constant of `kapsa.models.reasons`.
        message: What happened to which object, and what to do.
        stalled: Whether a person must change something; otherwise it may pass by itself.
        retry_after: Seconds after which to look again; None to wait for a change.
    """

    reason: Reason | str
    message: str
    stalled: bool = False
    retry_after: float | None = None


def found(type_: ConditionType, reason: Reason, message: str = "") -> Finding:
    """Return a finding that holds; without a message, the reason's own explanation."""
    return Finding(type_, True, reason, message or reason.explanation)


def missing(type_: ConditionType, blocked: Blocked) -> Finding:
    """Return a finding that doesn't hold, for what blocks it."""
    return Finding(type_, False, blocked.reason, blocked.message)


def progress(blocked: Blocked | None) -> tuple[Finding, ...]:
    """Return the abnormal-true conditions of kstatus: `Stalled`, `Reconciling`, or neither."""
    if blocked is None:
        return ()
    type_ = ConditionType.STALLED if blocked.stalled else ConditionType.RECONCILING
    return (Finding(type_, True, blocked.reason, blocked.message),)


def conditions_of(
    findings: Iterable[Finding],
    previous: Iterable[Condition],
    *,
    generation: int,
    now: str,
) -> tuple[Condition, ...]:
    """Return the conditions for a status, in the order of `findings`.

    Args:
        findings: One for each type; types that aren't named any more disappear.
        previous: The conditions of the last status: a time of transition is kept as long as the
            status of the condition stays.
        generation: `metadata.generation` that was looked at.
        now: RFC 3339 time for what changed.
    """
    before = {condition.type: condition for condition in previous}
    conditions = []
    for finding in findings:
        status = {True: "True", False: "False", None: "Unknown"}[finding.status]
        old = before.get(finding.type)
        since = old.last_transition_time if old and old.status == status else now
        conditions.append(
            Condition.model_validate(
                {
                    "type": finding.type,
                    "status": status,
                    "reason": str(finding.reason),
                    "message": sanitise(finding.message),
                    "lastTransitionTime": since,
                    "observedGeneration": generation,
                }
            )
        )
    return tuple(conditions)


def find(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """Return the condition of that type, or nothing."""
    return next((condition for condition in conditions if condition.type == type_), None)
