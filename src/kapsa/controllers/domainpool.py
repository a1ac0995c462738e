"""Reconciles a DomainPool: counts what is given out, and says so."""

from dataclasses import dataclass

from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.controllers.cache import Key
from kapsa.controllers.claims import Claims
from kapsa.controllers.report import report, report_invalid
from kapsa.controllers.state import State, parse
from kapsa.core.pool_status import pool_status
from kapsa.models.domain_pool import DomainPool
from kapsa.utils.times import to_rfc3339


@dataclass(frozen=True)
class DomainPoolController:
    """Brings the status of DomainPools in order.

    Attributes:
        cluster: The API.
        state: The caches.
        claims: Knows which hosts are held.
        clock: The API server's time.
    """

    cluster: Cluster
    state: State
    claims: Claims
    clock: ServerClock

    async def reconcile(self, key: Key) -> float | None:
        """Bring one DomainPool in order."""
        live = self.state.domain_pools.get(*key)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return None
        now = to_rfc3339(self.clock.now())
        pool = parse(DomainPool, live)
        if isinstance(pool, ValidationError):
            await report_invalid(self.cluster, self.state.domain_pools, live, pool, now)
            return None
        hosts = self.claims.hosts_of(pool.metadata.name)
        await report(
            self.cluster,
            self.state.domain_pools,
            live,
            new=pool_status(pool, hosts, now),
            previous=pool.status,
        )
        return None
