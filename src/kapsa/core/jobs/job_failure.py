"""Why a Job failed, for people: how its container ended, and the last lines of its log."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kapsa.core.jobs.live_jobs import failure_of
from kapsa.core.redaction import all_forms
from kapsa.utils.text import last_lines, sanitise

Manifest = Mapping[str, Any]

LIMIT: Final = 700
"""Longest explanation (characters): with what is said around it, it still fits a condition."""
_WORDS_LIMIT: Final = 200


def explain(
    job: Manifest,
    pod: Manifest | None,
    container: str,
    log: str | None,
    secrets: Iterable[str] = (),
) -> str:
    """Return why a live Job failed, on one line.

    Args:
        job: The Job.
        pod: Its pod; None where that is gone.
        container: Name of the container that does the work.
        log: The end of its log; None where nobody could read it.
        secrets: Values that must not show, in no form.
    """
    hidden = all_forms(secrets)
    words = _exit(pod, container) if failure_of(job)[0] == "BackoffLimitExceeded" else ""
    words = sanitise(words or ": ".join(filter(None, failure_of(job))), _WORDS_LIMIT, hidden)
    text = f"Job {job['metadata']['name']}: {words or 'it failed'}"
    if log is None:
        return f"{text}; its log could not be read"
    intro = "; its log ends: "
    shown = last_lines(log, LIMIT - len(text) - len(intro), hidden)
    return f"{text}{intro}{shown}" if shown else f"{text}; its log is empty"


def _exit(pod: Manifest | None, container: str) -> str:
    """Return how the container ended; nothing where that isn't known.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-state-terminated
    """
    for status in ((pod or {}).get("status") or {}).get("containerStatuses") or ():
        ended = (status.get("state") or {}).get("terminated") or {}
        if status.get("name") == container and "exitCode" in ended:
            reason = str(ended.get("reason") or "")
            why = f" ({reason})" if reason not in ("", "Error") else ""
            return f"it ended with exit code {ended['exitCode']}{why}"
    return ""
