"""Finds what admins offer, and tells whether a namespace may use it."""

from dataclasses import dataclass

from pydantic import ValidationError

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.resources import NAMESPACES
from kapsa.controllers.reconciling.cache import Manifest
from kapsa.controllers.state import State, parse
from kapsa.core.conditions import Blocked
from kapsa.core.offers import Offer, absence, is_for_all, namespace_refusal
from kapsa.models.domain_pool import DomainPool
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry


@dataclass(frozen=True)
class Offers:
    """The DomainPools and Registries.

    Attributes:
        cluster: The API.
        state: The caches.
    """

    cluster: Cluster
    state: State

    def pool(self, name: str) -> DomainPool | Blocked:
        """Return the DomainPool of that name, or why it can't be used."""
        live = self.state.domain_pools.get("", name)
        if live is None:
            return absence("DomainPool", name)
        pool = parse(DomainPool, live)
        return _invalid(live) if isinstance(pool, ValidationError) else pool

    def registry(self, name: str) -> Registry | Blocked:
        """Return the Registry of that name, or why it can't be used."""
        live = self.state.registries.get("", name)
        if live is None:
            return absence("Registry", name)
        registry = parse(Registry, live)
        return _invalid(live) if isinstance(registry, ValidationError) else registry

    def base_domains(self) -> frozenset[str]:
        """Return the base domains of all DomainPools."""
        return frozenset(
            str(base)
            for live in self.state.domain_pools
            for base in (live.get("spec") or {}).get("baseDomains") or ()
        )

    async def refusal(self, offer: Offer, namespace: str) -> Blocked | None:
        """Return why the namespace may not use the offer; None where it may.

        The namespace is read anew, and only where its labels matter.

        Raises:
            Stalled: It may not be read.
            Waiting: The API server can't be reached.
        """
        if is_for_all(offer):
            return None
        live = await self.cluster.get(NAMESPACES, namespace)
        labels = (live or {}).get("metadata", {}).get("labels") or {}
        return namespace_refusal(offer, namespace, labels)


def _invalid(live: Manifest) -> Blocked:
    return Blocked(
        Reason.INVALID_SPEC,
        f"{live['kind']} {live['metadata']['name']} breaks a rule of this version of Kapsa; its own"
        " conditions say which",
        stalled=True,
    )
