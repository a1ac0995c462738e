"""The last roll-outs of an Environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kapsa.core.jobs.jobs import is_of_image
from kapsa.models.environment import HistoryEntry, JobRun, RunResult
from kapsa.utils.times import from_rfc3339

LENGTH: Final = 10
"""Roll-outs that are remembered."""

Result = Literal["Running", "Succeeded", "Failed"]


@dataclass(frozen=True)
class Rollout:
    """The roll-out of what is wanted now.

    Attributes:
        image: The image.
        commit: Its commit; nothing where none is known.
        result: How it stands.
        release: How its release stands; None where it has none.
    """

    image: str
    commit: str
    result: Result
    release: RunResult | None = None


def history_with(
    history: Sequence[HistoryEntry], current: Rollout, now: str
) -> tuple[HistoryEntry, ...]:
    """Return the history with the roll-out of what is wanted now as its newest entry.

    An image that comes back is rolled out anew. What has succeeded stays so, whatever becomes of
    its pods later; what has failed can still succeed.

    Args:
        history: The roll-outs so far, the newest first.
        current: How the newest one stands.
        now: RFC 3339 time of what is new.
    """
    newest, *older = history or (None,)
    if newest is None or (newest.image, newest.commit) != (current.image, current.commit):
        former = [_superseded(item, now) for item in history]
        entry = HistoryEntry(
            commit=current.commit,
            image=current.image,
            started_at=now,
            ended_at=None if current.result == "Running" else now,
            release=current.release,
            result=current.result,
        )
        return (entry, *former)[:LENGTH]
    return (_carried_on(newest, current, now), *older)


def with_releases(
    history: Sequence[HistoryEntry], runs: Sequence[JobRun]
) -> tuple[HistoryEntry, ...]:
    """Return the history with how releases ended that a later image didn't wait for."""
    return tuple(
        item.model_copy(update={"release": run.result})
        if (run := _run_of(item, runs)) and item.release == "Running"
        else item
        for item in history
    )


def was_released(history: Sequence[HistoryEntry], image: str, since: float | None) -> bool:
    """Tell whether the release of an image has succeeded, in this life of the Environment.

    One that expired lost its volumes: what comes back is released anew.

    Args:
        history: The roll-outs so far.
        image: The image.
        since: Unix time at which the Environment was created, or came back; None for always.
    """
    return any(
        item.image == image
        and item.release == "Succeeded"
        and (since is None or (from_rfc3339(item.started_at) or 0.0) >= since)
        for item in history
    )


def _run_of(item: HistoryEntry, runs: Sequence[JobRun]) -> JobRun | None:
    return next((run for run in runs if is_of_image(run.run, item.image)), None)


def _superseded(item: HistoryEntry, now: str) -> HistoryEntry:
    if item.result != "Running":
        return item
    return item.model_copy(update={"result": "Superseded", "ended_at": now})


def _carried_on(item: HistoryEntry, current: Rollout, now: str) -> HistoryEntry:
    release = current.release or item.release
    result = "Succeeded" if item.result == "Succeeded" else current.result
    ended_at = item.ended_at
    if result != item.result:
        ended_at = None if result == "Running" else now
    return item.model_copy(update={"release": release, "result": result, "ended_at": ended_at})
