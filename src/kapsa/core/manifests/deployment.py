"""The Deployment of a process that runs until it is stopped."""

from typing import Any, Final

from kapsa.core.manifests.context import WorkloadContext, metadata, selector
from kapsa.core.manifests.pod import pod_template
from kapsa.core.workloads.processes import Process
from kapsa.core.workloads.volume_mounts import volumes_of

_STEADY_SECONDS: Final = 10
"""How long a pod must run to count as available, where nothing asks it: one that ends at once, each
time anew, is not taken for one that works."""


def deployment(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the Deployment.

    `replicas` is left out where nobody set it, and with autoscaling: the API server makes it 1, and
    whoever scales the Deployment then owns it. With volumes there is one pod at a time.
    """
    spec: dict[str, Any] = {
        "selector": {"matchLabels": selector(context.environment, process.name)},
        "revisionHistoryLimit": 2,
        "strategy": _strategy(context, process),
        "template": pod_template(context, process),
    }
    if not process.tells_readiness:
        spec["minReadySeconds"] = _STEADY_SECONDS
    if process.replicas is not None and process.autoscaler is None:
        spec["replicas"] = process.replicas
    elif volumes_of(context, process):
        spec["replicas"] = 1
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(context, context.name_of(process), process.name),
        "spec": spec,
    }


def _strategy(context: WorkloadContext, process: Process) -> dict[str, Any]:
    if volumes_of(context, process):
        # Two pods, on two nodes, could not both have the volumes.
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
