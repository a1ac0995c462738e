"""What live Ingresses and HTTPRoutes say: which hosts they lead, and whether they are taken."""

from collections.abc import Mapping
from typing import Any, Final

from kapsa.core.conditions import Blocked, Finding, found, missing
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import DomainPool
from kapsa.models.reasons import Reason

Manifest = Mapping[str, Any]

KINDS: Final = ("Ingress", "HTTPRoute")
"""Kinds of objects that lead a host to an Environment."""


def routed_hosts(route: Manifest | None) -> tuple[str, ...]:
    """Return the hosts that a live Ingress or HTTPRoute leads, each once."""
    spec = (route or {}).get("spec") or {}
    hosts = (
        *(rule.get("host") for rule in spec.get("rules") or () if rule.get("host")),
        *(spec.get("hostnames") or ()),
    )
    return tuple(dict.fromkeys(map(str, hosts)))


def gateway_api_missing(pool: DomainPool) -> Blocked:
    """Return what it means that the pool wants HTTPRoutes, and the cluster has none."""
    return Blocked(
        Reason.GATEWAY_API_MISSING,
        f"DomainPool {pool.metadata.name} wants HTTPRoutes, but the cluster has no Gateway API;"
        " ask an admin to install it, or to set spec.routing.kind of the pool to Ingress",
        stalled=True,
    )


def route_finding(route: Manifest) -> Finding:
    """Return the condition of the route.

    An Ingress is ready when it exists: what its controller thinks of it shows nowhere. Of an
    HTTPRoute each Gateway says whether it takes it, and whether it finds the Service.

    Source: https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus
    """
    refusal = route_refusal(route)
    if refusal is not None:
        return missing(ConditionType.INGRESS_READY, refusal)
    if route.get("kind") == "HTTPRoute":
        if not _verdicts(route):
            return Finding(
                ConditionType.INGRESS_READY, False, Reason.ROUTE_PENDING, _nobody_yet(route)
            )
        return found(ConditionType.INGRESS_READY, Reason.ROUTE_ACCEPTED)
    return found(ConditionType.INGRESS_READY, Reason.INGRESS_READY)


def route_refusal(route: Manifest) -> Blocked | None:
    """Return why no Gateway leads requests along the HTTPRoute; None where none says so."""
    verdicts = _verdicts(route)
    refused = [item for item in verdicts if item.get("status") == "False"]
    if not refused:
        return None
    worst = refused[0]
    return Blocked(
        Reason.ROUTE_REFUSED,
        f"{_gateway(route)} does not lead requests along HTTPRoute"
        f" {route['metadata']['name']}: {worst.get('message') or worst.get('reason')}."
        " Ask the admin of the Gateway, or of the DomainPool",
        stalled=True,
    )


def _verdicts(route: Manifest) -> list[Manifest]:
    """Return what the Gateways say of this version of the route."""
    generation = (route.get("metadata") or {}).get("generation")
    return [
        condition
        for parent in (route.get("status") or {}).get("parents") or ()
        for condition in parent.get("conditions") or ()
        if condition.get("type") in ("Accepted", "ResolvedRefs")
        and condition.get("observedGeneration", generation) == generation
    ]


def _nobody_yet(route: Manifest) -> str:
    return (
        f"{_gateway(route)} has not said yet whether it takes HTTPRoute {route['metadata']['name']}"
    )


def _gateway(route: Manifest) -> str:
    parents = (route.get("spec") or {}).get("parentRefs")
    parent = parents[0] if parents else {}
    return f"Gateway {parent.get('namespace', '')}/{parent.get('name', '')}"
