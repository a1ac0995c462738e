"""The HTTPRoute that leads an Environment's host from a Gateway to its Services."""

from typing import Any

from kapsa.core.hosts.routing import PREVIEW, Destination, destinations, route_annotations
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
    spec = context.environment.spec
    annotations = route_annotations(context.environment, context.pool)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(context, context.name, annotations=annotations),
        "spec": {
            "parentRefs": [parent],
            "hostnames": [context.host],
            "rules": [
                _rule(context, destination)
                for destination in destinations(spec.runtime, spec.ingress)
            ],
        },
    }


def _rule(context: WorkloadContext, destination: Destination) -> dict[str, Any]:
    backend = {
        "group": "",
        "kind": "Service",
        "name": context.name_of(destination.process),
        "port": SERVICE_PORT,
        "weight": 1,
    }
    filters = [_noindex()] if context.environment.spec.type == PREVIEW else []
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": path}} for path in destination.paths],
        **({"filters": filters} if filters else {}),
        "backendRefs": [backend],
    }


def _noindex() -> dict[str, Any]:
    """Return what has search engines keep a preview out of their results.

    Source: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag#xrobotstag
    """
    header = {"name": "X-Robots-Tag", "value": "noindex"}
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [header]}}
