"""The Service of a process that answers requests."""

from typing import Any

from kapsa.core.manifests.context import SERVICE_PORT, WorkloadContext, metadata, selector
from kapsa.core.workloads.processes import Process


def service(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the Service: port 80 leads to the first port, the others keep their numbers.

    Of two that would have the same number and protocol, the first is the one.
    """
    first, *others = process.ports
    numbered = {(SERVICE_PORT, first.protocol): first}
    for port in others:
        numbered.setdefault((port.container_port, port.protocol), port)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(context, context.name_of(process), process.name),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(context.environment, process.name),
            "ports": [
                {
                    "name": port.name,
                    "port": number,
                    "targetPort": port.name,
                    "protocol": port.protocol,
                }
                for (number, _), port in numbered.items()
            ],
        },
    }
