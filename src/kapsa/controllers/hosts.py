"""Sees to it that each Environment holds the host that it wants."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kapsa.adapters.errors import Stalled
from kapsa.controllers.claims import Claims
from kapsa.controllers.offers import Offers
from kapsa.controllers.outcome import interpret
from kapsa.core.allocation import Usage, base_order
from kapsa.core.conditions import Blocked
from kapsa.core.domain import candidate_hosts, host_name, host_request, zone, zones_around
from kapsa.core.manifests.claim import Holder
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class Hosts:
    """Gives hosts to Environments.

    Attributes:
        claims: Makes the claims.
        offers: Finds the DomainPools, and whom they are for.
        chance: Returns a random number from 0 up to, but not including, 1.
    """

    claims: Claims
    offers: Offers
    chance: Callable[[], float] = random.random
    _turns: dict[str, int] = field(default_factory=dict)
    _under_way: dict[str, set[str]] = field(default_factory=dict)

    def pool(self, environment: Environment) -> DomainPool | Blocked | None:
        """Return the pool that the Environment names, or why it can't be used."""
        domain = environment.spec.domain
        return None if domain is None else self.offers.pool(domain.domain_pool_ref.name)

    async def see_to(
        self, environment: Environment, pool: DomainPool | Blocked, *, claim: bool
    ) -> str | Blocked:
        """Return the host that the Environment holds, claiming one where it holds none.

        A host that is held stays, whatever the pool has become since.

        Args:
            environment: An Environment that wants a host.
            pool: See `pool`.
            claim: Whether it may get one now.

        Raises:
            Waiting: The API server can't be reached.
        """
        if isinstance(pool, Blocked):
            return pool
        held = self.claims.held("host", environment.metadata.uid)
        if held:
            return environment.status.host if environment.status.host in held else min(held)
        if not claim:
            return Blocked(Reason.HOST_PENDING, Reason.HOST_PENDING.explanation)
        try:
            return await self._claim(environment, pool)
        except Stalled as error:
            return interpret(error).blocked

    async def _claim(self, environment: Environment, pool: DomainPool) -> str | Blocked:
        meta, reference = environment.metadata, environment.spec.project_ref
        refusal = await self.offers.refusal(
            pool, reference.namespace if reference else meta.namespace
        )
        if refusal is not None:
            return refusal
        request = host_request(environment)
        name = host_name(request, pool)
        if isinstance(name, Blocked):
            return name
        bases = self._bases(environment, name, base_order(pool, self._usage(pool)))
        if isinstance(bases, Blocked):
            return bases
        candidates = candidate_hosts(name, request.holder, bases)
        holder = Holder("Environment", meta.namespace, meta.name, meta.uid)
        return await self._claim_one(pool, candidates, holder)

    async def _claim_one(
        self, pool: DomainPool, candidates: Sequence[str], holder: Holder
    ) -> str | Blocked:
        """Claim the first candidate that is free; it counts as held meanwhile."""
        name, first = pool.metadata.name, candidates[0]
        under_way = self._under_way.setdefault(name, set())
        under_way.add(first)
        try:
            return await self.claims.claim("host", name, candidates, holder)
        finally:
            under_way.discard(first)

    def _usage(self, pool: DomainPool) -> Usage:
        name = pool.metadata.name
        hosts = self.claims.hosts_of(name)
        # Several may be given before the first shows in the cache.
        turn = self._turns[name] = max(self._turns.get(name, -1) + 1, len(hosts))
        return Usage(turn, {*hosts, *self._under_way.get(name, ())}, self.chance())

    def _bases(
        self, environment: Environment, name: str, order: Sequence[str]
    ) -> tuple[str, ...] | Blocked:
        """Return the base domains below which the Environment may have the host.

        Where its Project holds the subdomain, that is below the base domains for which it does;
        otherwise below those where the host is in nobody's subdomain.
        """
        reference, domain = environment.spec.project_ref, environment.spec.domain
        uid = reference.uid if reference else ""
        own = self.claims.held("subdomain", uid) if reference else ()
        subdomain = (domain.subdomain if domain else None) or ""
        mine = tuple(base for base in order if zone(subdomain, base) in own)
        if mine:
            return mine
        strangers = {
            base: holder
            for base in order
            if (holder := self.claims.zone_holder(zones_around(name, base))) and holder.uid != uid
        }
        free = tuple(base for base in order if base not in strangers)
        if free:
            return free
        base, holder = next(iter(strangers.items()))
        return Blocked(
            Reason.SUBDOMAIN_TAKEN,
            f"host {name}.{base} is in a subdomain that is held by {holder};"
            " choose another spec.domain.subdomain",
            stalled=True,
        )
