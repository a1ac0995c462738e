"""What the lasting processes of an Environment become."""

from collections.abc import Iterator
from typing import Any

from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.deployment import deployment
from kapsa.core.manifests.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from kapsa.core.manifests.pod_disruption_budget import pod_disruption_budget
from kapsa.core.manifests.service import service
from kapsa.core.workloads.processes import processes_of

Manifest = dict[str, Any]


def process_objects(context: WorkloadContext) -> Iterator[Manifest]:
    """Yield the objects of each process that runs until it is stopped.

    A Service is there only where the process answers requests, so that none ever leads to a worker.
    """
    for process in processes_of(context.environment.spec.runtime):
        if not process.lasts:
            continue
        yield deployment(context, process)
        if process.kind == "web":
            yield service(context, process)
        if process.autoscaler is not None:
            yield horizontal_pod_autoscaler(context, process.autoscaler)
        if process.has_several_pods:
            yield pod_disruption_budget(context, process)
