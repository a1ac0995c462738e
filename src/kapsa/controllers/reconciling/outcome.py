"""What a failure means: the one place that turns exceptions into conditions and retries."""

from dataclasses import dataclass

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.core.conditions import Blocked

STALLED_RETRY = 3600.0
"""Seconds after which to look again at what only a person can mend; a change comes earlier."""

_FENCED_RETRY = 2.0
_SHORTEST_RETRY = 1.0
"""Seconds that pass at least: a server's `Retry-After: 0` is no invitation to hammer it."""


@dataclass(frozen=True)
class Failure:
    """What went wrong, for the status, and when to look again (seconds)."""

    blocked: Blocked
    retry_after: float


def interpret(error: AdapterError) -> Failure:
    """Return what an expected failure means."""
    stalled = isinstance(error, Stalled)
    asked_for = getattr(error, "retry_after", None)
    after = (
        STALLED_RETRY if asked_for is None else min(max(asked_for, _SHORTEST_RETRY), STALLED_RETRY)
    )
    return Failure(Blocked(error.reason, error.message, stalled, after), after)


def retry_after(error: AdapterError | NotFenced) -> float:
    """Return the seconds after which to try again what failed as a whole."""
    return _FENCED_RETRY if isinstance(error, NotFenced) else interpret(error).retry_after
