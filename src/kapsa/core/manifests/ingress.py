"""The Ingress that routes an Environment's host to its Services."""

from collections.abc import Iterator
from typing import Any

from kapsa.core.hosts.routing import destinations, route_annotations
from kapsa.core.manifests.context import WorkloadContext, metadata


def ingress(context: WorkloadContext) -> dict[str, Any]:
    """Return the Ingress of the Environment's host."""
    spec: dict[str, Any] = {
        "rules": [{"host": context.host, "http": {"paths": list(_paths(context))}}]
    }
    if context.pool and context.pool.spec.routing.ingress_class_name:
        spec["ingressClassName"] = context.pool.spec.routing.ingress_class_name
    if context.scheme == "https":
        # Without a Secret the router takes its default certificate.
        secret = {"secretName": context.tls_secret} if context.tls_secret else {}
        spec["tls"] = [{"hosts": [context.host], **secret}]
    annotations = route_annotations(context.environment, context.pool)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(context, context.name, annotations=annotations),
        "spec": spec,
    }


def _paths(context: WorkloadContext) -> Iterator[dict[str, Any]]:
    spec = context.environment.spec
    for destination in destinations(spec.runtime, spec.ingress):
        process = destination.process
        for path in destination.paths:
            port = {"name": process.ports[0].name}
            backend = {"service": {"name": context.name_of(process), "port": port}}
            yield {"path": path, "pathType": "Prefix", "backend": backend}
