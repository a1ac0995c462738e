"""What the status says of what runs to completion: the phase, and the history of roll-outs."""

from collections.abc import Sequence
from dataclasses import replace

from kapsa.core.conditions import Blocked
from kapsa.core.environments.history import Result, Rollout, history_with, with_releases
from kapsa.core.jobs.completions import Completions
from kapsa.core.workloads.workload import Workload
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import EnvironmentSpec, HistoryEntry, Phase


def with_jobs(workload: Workload, done: Completions) -> Workload:
    """Return the workload as people find it: nothing is ready before its jobs have succeeded."""
    if done.done or not workload.complete:
        return workload
    (finding,) = (item for item in done.findings if item.type == ConditionType.JOBS_SUCCEEDED)
    return replace(workload, finding=finding, complete=False, failed=bool(done.failed))


def phase_of(workload: Workload, done: Completions) -> Phase:
    """Return the phase of an Environment that nothing blocks.

    Args:
        workload: What it runs, with its jobs.
        done: What becomes of those.
    """
    if workload.complete:
        return "Succeeded" if done.ends else "Running"
    if workload.failed or workload.broken:
        return "Failed"
    return "Running" if done.ends else "Deploying"


def history_of(
    spec: EnvironmentSpec,
    history: Sequence[HistoryEntry],
    done: Completions,
    result: Result | None,
    now: str,
) -> tuple[HistoryEntry, ...]:
    """Return the history with the roll-out of what the spec wants.

    Args:
        spec: What is wanted.
        history: The roll-outs so far.
        done: What becomes of what runs to completion.
        result: How the roll-out stands; None where none has begun.
        now: RFC 3339 time of what is new.
    """
    release = done.release
    history = with_releases(history, tuple(release.runs.all().values()) if release else ())
    if result is None or not spec.image:
        return tuple(history)
    current = Rollout(
        spec.image, spec.commit or "", result, release=release.result if release else None
    )
    return history_with(history, current, now)


def result_of_rollout(
    workload: Workload, waits: Blocked | None, blocked: Blocked | None
) -> Result | None:
    """Return how the roll-out stands; None where it has not begun.

    Args:
        workload: What runs, with its jobs.
        waits: Why it could not be carried out as a whole; None where it was.
        blocked: Why nothing is done; None where something is.
    """
    if blocked is not None:
        return None
    if waits is not None:
        return "Failed" if waits.stalled else "Running"
    if workload.complete:
        return "Succeeded"
    return "Failed" if workload.failed else "Running"
