"""The status of pods, as a kubelet tells it.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Manifest = dict[str, Any]

_WAITING = {"waiting": {"reason": "PodInitializing"}}


def pod_status(pod: Manifest, phase: str, told: Mapping[str, list[Manifest]]) -> Manifest:
    """The status of a pod; `told` are those of containers, and all others wait."""
    known = {item["name"]: item for statuses in told.values() for item in statuses}

    def statuses(kind: str) -> list[Manifest]:
        wanted = pod["spec"].get(kind) or ()
        return [known.get(item["name"]) or container_status(item, _WAITING) for item in wanted]

    return {
        "phase": phase,
        "startTime": now(),
        "initContainerStatuses": statuses("initContainers"),
        "containerStatuses": statuses("containers"),
    }


def container_status(container: Manifest, state: Manifest) -> Manifest:
    """The status of a container that is not restarted."""
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }


def now(*, precise: bool = False) -> str:
    """The time as the API writes it; or, `precise`, as container runtimes do in logs."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S" + (".%fZ" if precise else "Z"))
