"""The HorizontalPodAutoscaler that decides about the number of an Environment's pods."""

from typing import Any

from kapsa.core.manifests.context import WorkloadContext, metadata
from kapsa.core.workloads.autoscaling import Autoscaler


def horizontal_pod_autoscaler(context: WorkloadContext, wanted: Autoscaler) -> dict[str, Any]:
    """Return the HorizontalPodAutoscaler of the Environment's Deployment.

    Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
    """
    cpu = {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": wanted.target_cpu_utilization},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(context, context.name),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": context.name,
            },
            "minReplicas": wanted.min_replicas,
            "maxReplicas": wanted.max_replicas,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
    }
