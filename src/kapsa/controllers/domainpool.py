"""Reconciles a DomainPool: counts what is given out, and says so."""

from dataclasses import dataclass

from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.controllers.cache import Key, Manifest
from kapsa.controllers.report import report, report_invalid
from kapsa.controllers.state import POOL, State, parse
from kapsa.core import labels
from kapsa.core.domain import pool_status
from kapsa.models.domain_pool import DomainPool
from kapsa.utils.names import slug
from kapsa.utils.times import to_rfc3339


@dataclass(frozen=True)
class DomainPoolController:
    """Brings the status of DomainPools in order.

    Attributes:
        cluster: The API.
        state: The caches.
        clock: The API server's time.
    """

    cluster: Cluster
    state: State
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
        hosts = tuple(
            host
            for lease in self.state.claims.find(POOL, slug(pool.metadata.name))
            if (host := _host(lease))
        )
        await report(
            self.cluster,
            self.state.domain_pools,
            live,
            new=pool_status(pool, hosts, now),
            previous=pool.status,
        )
        return None


def _host(lease: Manifest) -> str:
    metadata = lease["metadata"]
    is_host = (metadata.get("labels") or {}).get(labels.CLAIM) == "host"
    return str((metadata.get("annotations") or {}).get(labels.HOST, "")) if is_host else ""
