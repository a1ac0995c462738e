"""The Service of an Environment's web process."""

from typing import Any

from kapsa.core.manifests.context import SERVICE_PORT, WorkloadContext, metadata, selector


def service(context: WorkloadContext) -> dict[str, Any]:
    """Return the Service: port 80 leads to the first port, the others keep their numbers.

    Of two that would have the same number and protocol, the first is the one.
    """
    first, *others = context.ports
    numbered = {(SERVICE_PORT, first.protocol): first}
    for port in others:
        numbered.setdefault((port.container_port, port.protocol), port)
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
                for (number, _), port in numbered.items()
            ],
        },
    }
