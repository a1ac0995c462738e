"""How the pods of builds ended: the part of a pod that is kept of those, and of no others.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-state-terminated
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kapsa.core import labels

Manifest = Mapping[str, Any]

ENDING: Final = "ending"
"""Field of a trimmed pod of a build: how it ended."""


@dataclass(frozen=True)
class ContainerEnd:
    """How a container ended.

    Attributes:
        name: Its name.
        exit_code: Its exit code.
        reason: The kubelet's word for it, such as `OOMKilled`.
        message: Its termination message, or the end of its log where it failed.
    """

    name: str
    exit_code: int
    reason: str
    message: str


def ending(pod: Manifest) -> dict[str, Any]:
    """Return what a trimmed pod is to hold of its ending; nothing for pods that aren't of builds.

    The metadata of a pod of a build has the label `kapsa-project.io/build`.
    """
    if labels.BUILD not in (pod["metadata"].get("labels") or {}):
        return {}
    status = pod.get("status") or {}
    kept = {
        "reason": str(status.get("reason") or ""),
        "message": str(status.get("message") or ""),
        "containers": [
            {
                "name": str(item.get("name") or ""),
                "exitCode": int(ended.get("exitCode") or 0),
                "reason": str(ended.get("reason") or ""),
                "message": str(ended.get("message") or ""),
            }
            for field in ("initContainerStatuses", "containerStatuses")
            for item in status.get(field) or ()
            if (ended := (item.get("state") or {}).get("terminated"))
        ],
    }
    return {ENDING: kept} if any(kept.values()) else {}


def container_ends(pods: Iterable[Manifest]) -> tuple[ContainerEnd, ...]:
    """Return how the containers of trimmed pods ended, as far as they did, in their order."""
    return tuple(
        ContainerEnd(item["name"], item["exitCode"], item["reason"], item["message"])
        for pod in pods
        for item in (pod.get(ENDING) or {}).get("containers", ())
    )


def pod_words(pods: Iterable[Manifest]) -> str:
    """Return why a trimmed pod as a whole ended, such as that it was evicted; nothing otherwise."""
    for pod in pods:
        said = pod.get(ENDING) or {}
        if said.get("reason"):
            return ": ".join(filter(None, (said["reason"], said["message"])))
    return ""
