"""How the volumes of the main process show in its pods."""

from typing import Any, Final

from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.persistent_volume_claim import volume_claim_name
from kapsa.core.workloads.processes import Process
from kapsa.models.configuration import Volume

DEFAULT_GROUP: Final = 10001
"""GID that may write to volumes where nobody says which user runs: any but root's."""


def volumes_of(context: WorkloadContext, process: Process) -> tuple[Volume, ...]:
    """Return the volumes of a process: only the main one has any."""
    return context.environment.spec.runtime.volumes if process.is_main else ()


def pod_volumes(context: WorkloadContext, process: Process) -> list[dict[str, Any]]:
    """Return the pod's volumes, one for each claim."""
    return [
        {
            "name": _name(volume),
            "persistentVolumeClaim": {"claimName": volume_claim_name(context.name, volume.name)},
        }
        for volume in volumes_of(context, process)
    ]


def volume_mounts(context: WorkloadContext, process: Process) -> list[dict[str, Any]]:
    """Return where they show in the container."""
    return [
        {"name": _name(volume), "mountPath": volume.mount_path}
        for volume in volumes_of(context, process)
    ]


def file_group(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the part of the pod's security context that lets it write to its volumes.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod
    """
    if not volumes_of(context, process):
        return {}
    security = context.environment.spec.runtime.security
    return {
        "fsGroup": (security and security.run_as_user) or DEFAULT_GROUP,
        "fsGroupChangePolicy": "OnRootMismatch",
    }


def _name(volume: Volume) -> str:
    """Return what the volume is called in the pod, where other things are mounted too."""
    return f"volume-{volume.name}"
