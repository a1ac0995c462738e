"""What a new status has to tell that the one before had not: the news of an object."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

from kapsa.core.conditions import find
from kapsa.core.status import Status
from kapsa.models.conditions import ConditionType, Polarity
from kapsa.models.environment import EnvironmentStatus
from kapsa.models.meta import Condition
from kapsa.models.project_status import ProjectStatus
from kapsa.models.reasons import Reason
from kapsa.models.tone import Tone

_TONES: Final = {reason.value: reason.tone for reason in Reason}
_ABNORMAL: Final = frozenset(
    type_.value
    for type_ in ConditionType
    if type_.polarity == Polarity.ABNORMAL_TRUE and type_ != ConditionType.RECONCILING
)
"""Types of conditions that ask for attention when they are true. Not `Reconciling`: that passes."""


@dataclass(frozen=True)
class Transition:
    """One piece of news.

    Attributes:
        type: `Warning` where something is wrong.
        reason: A constant of `kapsa.models.reasons`.
        note: A sentence for people.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    note: str


def transitions(new: Status, previous: Status) -> tuple[Transition, ...]:
    """Return the news, troubles first; nothing where everything is as it was, or on its way.

    An Environment that becomes Ready, or runs something else, is one piece of good news, whatever
    else is good again by that.
    """
    bad: tuple[Transition, ...] = troubles(new.conditions, previous.conditions)
    if isinstance(new, EnvironmentStatus) and isinstance(previous, EnvironmentStatus):
        ready = _newly_ready(new, previous)
        if ready is not None:
            return (*bad, _news_of(ready))
    wrong: set[str] = {item.type for item in previous.conditions if _is_trouble(item)}
    if isinstance(previous, ProjectStatus) and _is_read_again(previous):
        wrong.add(ConditionType.REPOSITORY_ACCESSIBLE)
    return (*bad, *_recoveries(new.conditions, wrong))


def troubles(new: Iterable[Condition], previous: Iterable[Condition]) -> tuple[Transition, ...]:
    """Return what has gone wrong since: one piece of news for each reason that is new."""
    known = {condition.reason for condition in previous if _is_trouble(condition)}
    found: dict[str, Transition] = {}
    for condition in new:
        if _is_trouble(condition) and condition.reason not in known:
            found.setdefault(condition.reason, _news_of(condition))
    return tuple(found.values())


def _newly_ready(new: EnvironmentStatus, previous: EnvironmentStatus) -> Condition | None:
    """Return the condition `Ready` where it is news that it is true."""
    ready, before = (find(status.conditions, ConditionType.READY) for status in (new, previous))
    if ready is None or ready.status != "True" or _tone(ready) != Tone.GOOD:
        return None
    was_ready = before is not None and before.status == "True"
    runs_the_same = (new.image, new.commit) == (previous.image, previous.commit)
    return None if was_ready and runs_the_same else ready


def _recoveries(new: Iterable[Condition], wrong: AbstractSet[str]) -> tuple[Transition, ...]:
    """Return which of the types are good again; `Ready` only where nothing else tells why."""
    good = [item for item in new if item.type in wrong and _tone(item) == Tone.GOOD]
    told = [item for item in good if item.type != ConditionType.READY] or good
    return tuple(_news_of(item) for item in told)


def _is_read_again(previous: ProjectStatus) -> bool:
    """Tell whether a repository that was read before was not, since something was wrong."""
    found = find(previous.conditions, ConditionType.REPOSITORY_ACCESSIBLE)
    unread = found is not None and found.reason == Reason.REPOSITORY_NOT_READ
    return unread and previous.last_poll_time is not None


def _is_trouble(condition: Condition) -> bool:
    is_abnormal = condition.type in _ABNORMAL and condition.status == "True"
    return is_abnormal or _tone(condition) == Tone.BAD


def _news_of(condition: Condition) -> Transition:
    calm = _tone(condition) in (Tone.GOOD, Tone.CHOSEN)
    return Transition("Normal" if calm else "Warning", condition.reason, condition.message)


def _tone(condition: Condition) -> Tone | None:
    """Return what kind of news the reason is; None for one that another version wrote."""
    return _TONES.get(condition.reason)
