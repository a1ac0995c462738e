"""Who may connect to the pods in a namespace that Kapsa makes.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from typing import Any, Final

from kapsa.core import labels
from kapsa.core.places import Place
from kapsa.models.domain_pool import DomainPool, Routing

_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def network_policy(place: Place, pool: DomainPool | None) -> dict[str, Any]:
    """Return the NetworkPolicy: pods of the same namespace may connect, and the router's.

    Args:
        place: The namespace.
        pool: Where the hosts are from, which says where the router is; None where there are none.
    """
    allowed: list[dict[str, Any]] = [{"podSelector": {}}]
    if pool is not None:
        allowed.append(_router(pool.spec.routing))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": place.metadata("kapsa"),
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": allowed}],
        },
    }


def _router(routing: Routing) -> dict[str, Any]:
    """Return which pods lead requests: all that aren't in namespaces of Kapsa's, if need be."""
    if routing.router_namespace is None:
        others = {"key": labels.MANAGED_BY, "operator": "NotIn", "values": [labels.MANAGER]}
        return {"namespaceSelector": {"matchExpressions": [others]}}
    where = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: routing.router_namespace}}}
    if not routing.router_pod_selector:
        return where
    return where | {"podSelector": {"matchLabels": dict(routing.router_pod_selector)}}
