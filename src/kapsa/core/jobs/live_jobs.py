"""What a live Job says of itself."""

from collections.abc import Mapping
from typing import Any

from kapsa.models.environment import RunResult

Manifest = Mapping[str, Any]


def result_of(job: Manifest) -> RunResult:
    """Return how a live Job ended; `Running` where it hasn't.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup
    """
    end = _end(job)
    if end is None:
        return "Running"
    return "Succeeded" if end["type"] == "Complete" else "Failed"


def ended_at(job: Manifest) -> str | None:
    """Return the RFC 3339 time at which a live Job ended; None where it hasn't."""
    end = _end(job)
    if end is None:
        return None
    return (job.get("status") or {}).get("completionTime") or end.get("lastTransitionTime")


def failure_of(job: Manifest) -> tuple[str, str]:
    """Return why a live Job failed: its controller's word and sentence; nothing where it hasn't."""
    end = _end(job)
    if end is None or end["type"] != "Failed":
        return "", ""
    return str(end.get("reason") or ""), str(end.get("message") or "")


def counts(job: Manifest) -> bool:
    """Tell whether a live Job is a run: one that is being deleted half-way is none."""
    return not job["metadata"].get("deletionTimestamp") or result_of(job) != "Running"


def has_container(job: Manifest) -> bool:
    """Tell whether the container of a live Job runs."""
    return bool((job.get("status") or {}).get("ready"))


def _end(job: Manifest) -> Mapping[str, Any] | None:
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            return dict(condition)
    return None
