"""The PodDisruptionBudget that keeps a process answering while nodes are drained."""

from typing import Any

from kapsa.core.manifests.context import WorkloadContext, metadata, selector
from kapsa.core.workloads.processes import Process


def pod_disruption_budget(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the PodDisruptionBudget: of the process' pods, one at a time may be taken away.

    Pods that don't work may always be: they would hold up a drain for ever, and serve nobody.

    Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(context, context.name_of(process), process.name),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": selector(context.environment, process.name)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
