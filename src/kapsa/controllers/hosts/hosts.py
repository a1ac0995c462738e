"""Sees to it that each Environment holds the host that it wants."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kapsa.adapters.errors import Stalled
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.hosts.live_routes import LiveRoutes
from kapsa.controllers.offers import Offers
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.core.conditions import Blocked
from kapsa.core.hosts.allocation import Usage, base_order
from kapsa.core.hosts.domain import (
    candidate_hosts,
    host_name,
    host_request,
    own_host_refusal,
    zone,
    zones_around,
)
from kapsa.core.hosts.routing import wants_host
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
        routes: Knows which hosts are routed.
        chance: Returns a random number from 0 up to, but not including, 1.
    """

    claims: Claims
    offers: Offers
    routes: LiveRoutes
    chance: Callable[[], float] = random.random
    _turns: dict[str, int] = field(default_factory=dict)
    _under_way: dict[str, set[str]] = field(default_factory=dict)

    def pool(self, environment: Environment) -> DomainPool | Blocked | None:
        """Return the pool that the Environment names, or why it can't be used."""
        domain = environment.spec.domain
        return None if domain is None else self.offers.pool(domain.domain_pool_ref.name)

    async def see_to(
        self, environment: Environment, pool: DomainPool | Blocked, *, claim: bool
    ) -> str | Blocked | None:
        """Return the host that the Environment is to have, claiming it where it isn't held.

        A host that a pool has given stays, whatever the pool has become since, and even while the
        Environment has one of its own. An own one goes when it isn't wanted any more; until the
        next one is claimed, it stays.

        Args:
            environment: An Environment that names a DomainPool.
            pool: See `pool`.
            claim: Whether it may get one now.

        Returns:
            The host, why it can't be had, or None where nothing would lead to it.

        Raises:
            Waiting: The API server can't be reached.
        """
        held = self.claims.held("host", environment.metadata.uid)
        if not wants_host(environment):
            return _current(environment, held)
        if isinstance(pool, Blocked):
            return pool
        kept = _current(environment, self._fitting(environment, held) or ([] if claim else held))
        if kept is not None:
            return kept
        if not claim:
            return Blocked(Reason.HOST_PENDING, Reason.HOST_PENDING.explanation)
        try:
            return await self._claim(environment, pool)
        except Stalled as error:
            return interpret(error).blocked

    def _fitting(self, environment: Environment, held: Sequence[str]) -> list[str]:
        """Return those of the hosts that are held which the Environment asks for."""
        own = environment.spec.ingress.host
        if own:
            return [host for host in held if host == own]
        return self.claims.given(environment.metadata.uid)

    async def release_spare(self, environment: Environment, host: str | None) -> None:
        """Give back the hosts that the Environment doesn't need and that nothing of it routes.

        Args:
            environment: The Environment.
            host: The host that it is to have; None for none.

        Raises:
            Stalled: A claim may not be deleted, or a route not be read.
            Waiting: The API server can't be reached.
        """
        meta = environment.metadata
        needed = {host, *self.claims.given(meta.uid)} if host else set()
        if set(self.claims.held("host", meta.uid)) <= needed:
            return
        routed = await self.routes.hosts_of(_holder(environment))
        await self.claims.release("host", meta.uid, keep={*filter(None, needed), *routed})

    async def _claim(self, environment: Environment, pool: DomainPool) -> str | Blocked:
        reference, own = environment.spec.project_ref, environment.spec.ingress.host
        namespace = reference.namespace if reference else environment.metadata.namespace
        refusal = await self.offers.refusal(pool, namespace)
        if refusal is not None:
            return refusal
        if own:
            return await self._claim_own(environment, own)
        return await self._claim_given(environment, pool)

    async def _claim_own(self, environment: Environment, host: str) -> str | Blocked:
        refusal = own_host_refusal(host, self.offers.base_domains())
        refusal = refusal or self._in_subdomain(environment, host)
        return refusal or await self.claims.claim("host", "", (host,), _holder(environment))

    def _in_subdomain(self, environment: Environment, host: str) -> Blocked | None:
        """Return whose subdomain a host is in that no pool gives, or gives any more."""
        name, _, parent = host.partition(".")
        reference = environment.spec.project_ref
        other = self.claims.zone_holder(zones_around(name, parent))
        if other is None or (reference is not None and other.uid == reference.uid):
            return None
        return Blocked(
            Reason.SUBDOMAIN_TAKEN,
            f"host {host} is in a subdomain that is held by {other}; choose another"
            " spec.ingress.host",
            stalled=True,
        )

    async def _claim_given(self, environment: Environment, pool: DomainPool) -> str | Blocked:
        request = host_request(environment)
        name = host_name(request, pool)
        if isinstance(name, Blocked):
            return name
        bases = self._bases(environment, name, base_order(pool, self._usage(pool)))
        if isinstance(bases, Blocked):
            return bases
        candidates = candidate_hosts(name, request.holder, bases)
        return await self._claim_one(pool, candidates, _holder(environment))

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


def _holder(environment: Environment) -> Holder:
    meta = environment.metadata
    return Holder("Environment", meta.namespace, meta.name, meta.uid)


def _current(environment: Environment, hosts: Sequence[str]) -> str | None:
    """Return which of its hosts the Environment has: the one in its status, where that is one."""
    return environment.status.host if environment.status.host in hosts else min(hosts, default=None)
