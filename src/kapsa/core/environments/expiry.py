"""How long an Environment lives: since when, until when, and what brings it back."""

from dataclasses import dataclass
from typing import Final

from kapsa.core import labels
from kapsa.core.conditions import Blocked, find
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.utils.durations import format_duration, parse_duration
from kapsa.utils.text import sanitise
from kapsa.utils.times import from_rfc3339, to_rfc3339

_LATEST: Final = 253_402_300_799.0
"""Unix time of the last second that RFC 3339 can write, at the end of the year 9999."""
_VALUE_SHOWN: Final = 64


@dataclass(frozen=True)
class Lifetime:
    """The life of an Environment, as it is at some time; by default one without an end.

    Attributes:
        active_since: Unix time at which it was created, or last came back after it had expired;
            `maxLifetime` counts from there.
        last_activity_at: Unix time at which its commit or image last changed, or it was asked back.
        last_activity_of: The commit, or else the image, that it had then.
        expires_at: Unix time at which it expires; None for one that stays.
        expired: Why it has expired, and what brings it back; None while it lives.
        problem: Why its extension is ignored; nothing where it isn't.
    """

    active_since: float | None = None
    last_activity_at: float | None = None
    last_activity_of: str = ""
    expires_at: float | None = None
    expired: Blocked | None = None
    problem: str = ""


@dataclass(frozen=True)
class _Record:
    """What is remembered of a life; see `Lifetime`."""

    active_since: float
    last_activity_at: float
    last_activity_of: str


@dataclass(frozen=True)
class _Rules:
    """What limits a life: seconds, but for a Unix time; `ttl` is None for one without an end."""

    ttl: float | None
    extended_until: float
    longest: float | None


def lifetime(
    environment: Environment, project: Project | None, now: float, *, held: bool = False
) -> Lifetime:
    """Return the life of an Environment, from what its status remembers of it.

    An Environment counts from its creation. One that was reported on before Kapsa knew of lifetimes
    counts from `now`, so that an upgrade ends nothing.

    Args:
        environment: The Environment.
        project: Its Project, whose `maxLifetime` holds; None for one that stands alone.
        now: The API server's Unix time.
        held: Whether nothing may be done to it, so that it doesn't expire now.
    """
    # The status keeps whole seconds: the next look must come to the same end.
    now = float(int(now))
    rules = _rules(environment, project)
    record = _remembered(environment, now)
    is_over = _is_over(record, rules, now)
    if _brings_commit(environment, record.last_activity_of) or (is_over and _is_asked(environment)):
        since = now if is_over else record.active_since
        record = _Record(since, now, subject(environment) or record.last_activity_of)
    end, reason = _end(record, rules)
    problem = _problem(environment)
    expired = None
    if end is not None and now >= end and (not held or _was_expired(environment)):
        expired = Blocked(reason, _message(end, reason, rules, problem))
    return Lifetime(
        active_since=record.active_since,
        last_activity_at=record.last_activity_at,
        last_activity_of=record.last_activity_of,
        expires_at=end,
        expired=expired,
        problem=problem,
    )


def expired_for(environment: Environment) -> Reason | None:
    """Return why an Environment has expired, as its status says; None for one that lives.

    One that has a new commit lives: its status only doesn't say so yet.
    """
    if not _was_expired(environment):
        return None
    if _brings_commit(environment, environment.status.last_activity_of):
        return None
    found = find(environment.status.conditions, ConditionType.EXPIRED)
    is_old = found is not None and found.reason == Reason.MAX_LIFETIME_REACHED
    return Reason.MAX_LIFETIME_REACHED if is_old else Reason.TTL_EXPIRED


def subject(environment: Environment) -> str:
    """Return what arrives with each activity: the commit, or else the image."""
    return environment.spec.commit or environment.spec.image or ""


def _remembered(environment: Environment, now: float) -> _Record:
    status = environment.status
    start = now
    if not status.observed_generation:
        start = _unix(environment.metadata.creation_timestamp, now)
    last = from_rfc3339(status.last_activity_at or "")
    return _Record(
        active_since=_unix(status.active_since, start),
        last_activity_at=start if last is None else last,
        last_activity_of=subject(environment) if last is None else status.last_activity_of,
    )


def _unix(text: str | None, otherwise: float) -> float:
    seconds = from_rfc3339(text or "")
    return otherwise if seconds is None else seconds


def _brings_commit(environment: Environment, before: str) -> bool:
    """Tell whether there is another commit (or image) than before; one taken away is none."""
    return subject(environment) not in ("", before)


def _is_asked(environment: Environment) -> bool:
    """Tell whether a person asks for it, and it wasn't acted on yet."""
    return labels.requested_at(environment.metadata.annotations) not in (
        "",
        environment.status.last_handled_requested_at,
    )


def _was_expired(environment: Environment) -> bool:
    found = find(environment.status.conditions, ConditionType.EXPIRED)
    return found is not None and found.status == "True"


def _rules(environment: Environment, project: Project | None) -> _Rules:
    annotations = environment.metadata.annotations
    pinned = annotations.get(labels.PIN) == "true"
    ttl = None if pinned else _ttl(environment)
    longest = project.spec.preview_environments.max_lifetime if project else None
    return _Rules(
        ttl=ttl,
        extended_until=_unix(annotations.get(labels.EXTENDED_UNTIL), 0.0),
        longest=None if longest is None else parse_duration(longest),
    )


def _ttl(environment: Environment) -> float | None:
    """Return the seconds that it may live without activity; None for one that stays."""
    spec = environment.spec
    if spec.ttl is None or spec.type == "permanent":
        return None
    return parse_duration(spec.ttl)


def _end(record: _Record, rules: _Rules) -> tuple[float | None, Reason]:
    """Return the Unix time of the end, or None for no end; and what then is its reason."""
    if rules.ttl is None:
        return None, Reason.TTL_EXPIRED
    end = max(record.last_activity_at + rules.ttl, rules.extended_until)
    if rules.longest is not None and record.active_since + rules.longest < end:
        return min(record.active_since + rules.longest, _LATEST), Reason.MAX_LIFETIME_REACHED
    return min(end, _LATEST), Reason.TTL_EXPIRED


def _is_over(record: _Record, rules: _Rules, now: float) -> bool:
    end, _ = _end(record, rules)
    return end is not None and now >= end


def _problem(environment: Environment) -> str:
    value = environment.metadata.annotations.get(labels.EXTENDED_UNTIL)
    if value is None or _ttl(environment) is None or from_rfc3339(value) is not None:
        return ""
    return (
        f"annotation {labels.EXTENDED_UNTIL} is ignored:"
        f" '{sanitise(value, _VALUE_SHOWN)}' is no time in RFC 3339, such as 2026-01-31T18:00:00Z"
    )


def _message(deadline: float, reason: Reason, rules: _Rules, problem: str) -> str:
    ways = [f"{labels.REQUESTED_AT}=<now>", f"{labels.PIN}=true"]
    if reason == Reason.MAX_LIFETIME_REACHED:
        why = f"it has lived for its Project's maxLifetime of {_text(rules.longest)}"
    else:
        why = f"its ttl of {_text(rules.ttl)}, or its extension, has run out"
        ways.insert(1, f"{labels.EXTENDED_UNTIL}=<time>")
    back = f"to bring it back, push a commit, or annotate it with {' or '.join(ways)}"
    return "; ".join(filter(None, (f"expired at {to_rfc3339(deadline)}: {why}", back, problem)))


def _text(seconds: float | None) -> str:
    return format_duration(int(seconds or 0))
