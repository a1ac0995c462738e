"""What pods of builds report, in words: why they don't begin, and how their containers ended."""

from collections.abc import Mapping, Sequence
from typing import Any

from kapsa.core.builds.build_pods import ContainerEnd
from kapsa.core.workloads.pod_trouble import trouble_of


def delay(pods: Sequence[Mapping[str, Any]]) -> str:
    """Return why a build has not begun to run; nothing where nothing is known of that.

    Args:
        pods: Its pods, as the cache has trimmed them.
    """
    for pod in pods:
        trouble = trouble_of(pod)
        if trouble is not None:
            return trouble.told()
    return ""


def end_of(end: ContainerEnd) -> str:
    """Return how a container ended that failed, and what to do where that is known."""
    why = f" ({end.reason})" if end.reason not in ("", "Error") else ""
    hint = ""
    if end.reason == "OOMKilled":
        hint = "; it needs more memory than the operator's setting KAPSA_BUILD_LIMITS allows"
    return f"container {end.name} ended with exit code {end.exit_code}{why}{hint}"


def timed_out(seconds: object) -> str:
    """Return that a build took longer than it may."""
    return f"it was ended after {seconds} s, which is build.timeout"
