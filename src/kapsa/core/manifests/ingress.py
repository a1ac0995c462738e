"""The Ingress that routes an Environment's host to its Service."""

from typing import Any

from kapsa.core.manifests.context import WorkloadContext, metadata


def ingress(context: WorkloadContext) -> dict[str, Any]:
    """Return the Ingress of the Environment's host."""
    backend = {"service": {"name": context.name, "port": {"name": context.ports[0].name}}}
    spec: dict[str, Any] = {
        "rules": [
            {
                "host": context.host,
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ]
    }
    if context.ingress_class_name:
        spec["ingressClassName"] = context.ingress_class_name
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(context, context.name),
        "spec": spec,
    }
