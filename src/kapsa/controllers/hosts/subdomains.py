"""Sees to it that each Project holds the subdomain that it wants."""

from collections.abc import Iterable
from dataclasses import dataclass

from kapsa.adapters.errors import AdapterError
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.offers import Offers
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.core.conditions import Blocked
from kapsa.core.hosts.domain import candidate_subdomains, zone
from kapsa.core.manifests.claim import Holder
from kapsa.models.domain_pool import DomainPool
from kapsa.models.meta import DomainReference
from kapsa.models.project import Project
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class Subdomains:
    """Gives subdomains to Projects: one name, claimed below each base domain of the pool.

    Attributes:
        claims: Makes the claims.
        offers: Finds the DomainPools.
    """

    claims: Claims
    offers: Offers

    async def see_to(self, project: Project) -> str | Blocked | None:
        """Return the subdomain that the Project holds, claiming one where it holds none.

        Nothing where it wants none; why there is none where it can't be had.
        """
        try:
            if project.spec.domain is None:
                await self.claims.release("subdomain", project.metadata.uid)
                return None
            return await self._see_to(project, project.spec.domain)
        except AdapterError as error:
            return interpret(error).blocked

    async def _see_to(self, project: Project, domain: DomainReference) -> str | Blocked:
        meta = project.metadata
        pool = self.offers.pool(domain.domain_pool_ref.name)
        zones = self._held(meta.uid, domain, pool)
        kept = _kept(domain.subdomain, zones)
        if isinstance(pool, Blocked):
            return kept or pool
        refusal = await self.offers.refusal(pool, meta.namespace)
        if refusal is not None:
            return refusal
        holder = Holder("Project", meta.namespace, meta.name, meta.uid)
        subdomain = kept or await self._claim(domain.subdomain, pool, holder)
        if isinstance(subdomain, Blocked):
            return subdomain
        pending = (
            await self._extend(_zones(subdomain, pool) - zones, pool, holder) if kept else None
        )
        own = {name for name in zones if name.startswith(f"{subdomain}.")}
        await self.claims.release("subdomain", meta.uid, keep=own | _zones(subdomain, pool))
        return pending or subdomain

    def _held(self, uid: str, domain: DomainReference, pool: DomainPool | Blocked) -> set[str]:
        """Return the zones that the Project holds of the pool, or below a base domain of it."""
        of_pool = set(self.claims.held("subdomain", uid, domain.domain_pool_ref.name))
        if isinstance(pool, Blocked):
            return of_pool
        bases = pool.spec.base_domains
        shared = (
            name for name in self.claims.held("subdomain", uid) if name.partition(".")[2] in bases
        )
        return of_pool | set(shared)

    async def _claim(
        self, asked_for: str | None, pool: DomainPool, holder: Holder
    ) -> str | Blocked:
        """Claim a subdomain below all base domains of the pool."""
        candidates = candidate_subdomains(
            asked_for, holder.name, holder.namespace, pool, self.offers.base_domains()
        )
        if isinstance(candidates, Blocked):
            return candidates
        obstacle = None
        for candidate in candidates:
            obstacle = await self.claims.claim_zones(
                pool.metadata.name, _zones(candidate, pool), holder
            )
            if obstacle is None:
                return candidate
            if obstacle.reason == Reason.HOST_PENDING:
                break
        assert obstacle is not None
        return obstacle

    async def _extend(
        self, zones: Iterable[str], pool: DomainPool, holder: Holder
    ) -> Blocked | None:
        """Claim the subdomain below base domains that the pool has got since.

        Where somebody else has it there, the Project gets its hosts below the others.
        """
        for name in sorted(zones):
            obstacle = await self.claims.claim_zones(pool.metadata.name, (name,), holder)
            if obstacle is not None and obstacle.reason == Reason.HOST_PENDING:
                return obstacle
        return None


def _zones(subdomain: str, pool: DomainPool) -> set[str]:
    return {zone(subdomain, base) for base in pool.spec.base_domains}


def _kept(asked_for: str | None, zones: Iterable[str]) -> str:
    """Return the subdomain to keep: the one asked for, or the plainest; nothing where none fits."""
    subdomains = {name.partition(".")[0] for name in zones}
    if asked_for:
        return asked_for if asked_for in subdomains else ""
    return min(subdomains, key=lambda name: (len(name), name), default="")
