"""What Traefik needs in the cluster: its rights, and the classes that it answers for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

IDENTITY = "kapsa-lab-traefik"
CLASS = "traefik"
"""Name of the IngressClass, and of the GatewayClass."""

_RBAC = "rbac.authorization.k8s.io"
_GATEWAY_API = "gateway.networking.k8s.io"
_READ = ("get", "list", "watch")


def objects() -> Iterator[dict[str, Any]]:
    """The ClusterRole and who has it, the IngressClass and the GatewayClass."""
    name = {"name": IDENTITY}
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": name,
        "rules": list(_rules()),
    }
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", **name},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", **name}],
    }
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": CLASS},
        "spec": {"controller": "traefik.io/ingress-controller"},
    }
    yield {
        "apiVersion": f"{_GATEWAY_API}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": "traefik.io/gateway-controller"},
    }


def _rules() -> Iterator[dict[str, list[str]]]:
    # As Traefik's documentation of both providers has them, without what isn't switched on.
    read = ("namespaces", "services", "secrets", "nodes")
    routes = ("httproutes", "grpcroutes")
    yield _rule("", read, _READ)
    yield _rule("discovery.k8s.io", ("endpointslices",), _READ)
    yield _rule("networking.k8s.io", ("ingresses", "ingressclasses"), _READ)
    yield _rule("networking.k8s.io", ("ingresses/status",), ("update",))
    watched = ("gatewayclasses", "gateways", *routes)
    yield _rule(_GATEWAY_API, (*watched, "referencegrants"), _READ)
    yield _rule(_GATEWAY_API, [f"{kind}/status" for kind in watched], ("update",))


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> dict[str, list[str]]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
