"""The Service of an Environment's web process."""

from typing import Any

from kapsa.core.manifests.context import SERVICE_PORT, WorkloadContext, metadata, selector


def service(context: WorkloadContext) -> dict[str, Any]:
    """Return the Service: port 80 leads to the first port, the others keep their numbers."""
    first, *others = context.ports
    numbered = [(SERVICE_PORT, first)] + [
        (port.container_port, port) for port in others if port.container_port != SERVICE_PORT
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(context, context.name),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(context.environment),
            "ports": [
                {
                    "name": port.name,
                    "port": number,
                    "targetPort": port.name,
                    "protocol": port.protocol,
                }
                for number, port in numbered
            ],
        },
    }
