"""Reconciles a DomainPool: orders its certificates, counts what is given out, and says so."""

from dataclasses import dataclass

from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.controllers.certificates.certificates import Certificates
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.reconciling.cache import Key
from kapsa.controllers.reconciling.report import Reporter
from kapsa.controllers.state import State, parse
from kapsa.core.hosts.pool_status import pool_status
from kapsa.core.tls.pool_tls import judge_pool
from kapsa.models.domain_pool import DomainPool
from kapsa.utils.times import to_rfc3339

_UNWELL_RETRY = 60.0
"""Seconds between two looks at an issuer, which isn't watched, that can't sign."""
_ISSUER_INTERVAL = 600.0
"""The same for one that can."""


@dataclass(frozen=True)
class DomainPoolController:
    """Brings DomainPools in order.

    Attributes:
        reporter: Writes statuses.
        state: The caches.
        claims: Knows which hosts are held.
        certificates: Orders wildcards.
        clock: The API server's time.
    """

    reporter: Reporter
    state: State
    claims: Claims
    certificates: Certificates
    clock: ServerClock

    async def reconcile(self, key: Key) -> float | None:
        """Bring one DomainPool in order; return the seconds after which to look again."""
        live = self.state.domain_pools.get(*key)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return None
        now = to_rfc3339(self.clock.now())
        pool = parse(DomainPool, live)
        if isinstance(pool, ValidationError):
            await self.reporter.report_invalid(self.state.domain_pools, live, pool, now)
            return None
        certificates = judge_pool(pool, await self.certificates.see_to(pool))
        hosts = {
            host: f"{holder.namespace}/{holder.name}"
            for host, holder in self.claims.hosts_of(pool.metadata.name).items()
        }
        await self.reporter.report(
            self.state.domain_pools,
            live,
            new=pool_status(pool, hosts, now, certificates),
            previous=pool.status,
        )
        if not certificates.findings:
            return None
        return _UNWELL_RETRY if certificates.problem else _ISSUER_INTERVAL
