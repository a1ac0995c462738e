"""The HTTPRoute that leads an Environment's host from a Gateway to its Service."""

from typing import Any

from kapsa.core.manifests.context import SERVICE_PORT, WorkloadContext, metadata
from kapsa.models.domain_pool import GatewayReference


def http_route(context: WorkloadContext, gateway: GatewayReference) -> dict[str, Any]:
    """Return the HTTPRoute of the Environment's host at that Gateway.

    Source: https://gateway-api.sigs.k8s.io/reference/spec/#httproute
    """
    parent = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": gateway.namespace,
        "name": gateway.name,
    }
    if gateway.section_name:
        parent["sectionName"] = gateway.section_name
    backend = {"group": "", "kind": "Service", "name": context.name, "port": SERVICE_PORT}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(context, context.name),
        "spec": {
            "parentRefs": [parent],
            "hostnames": [context.host],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{**backend, "weight": 1}],
                }
            ],
        },
    }
