"""Which hosts are routed right now, by the API server's own word."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Cluster
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.hosts.routes import routed_hosts
from kapsa.core.manifests.claim import Holder


@dataclass(frozen=True)
class LiveRoutes:
    """Reads the routes of Environments.

    A host is given back only when nothing routes it any more: whoever gets it next routes it at
    once. A cache whose watch is late, or silent, would not know.

    Attributes:
        cluster: The API.
        state: The caches: they know which kinds there are.
    """

    cluster: Cluster
    state: State

    async def hosts_of(self, holder: Holder) -> frozenset[str]:
        """Return the hosts that the routes of an Environment lead, be it gone or not.

        Raises:
            Stalled: They may not be read.
            Waiting: The API server can't be reached.
        """
        found: set[str] = set()
        for cache in (self.state.ingresses, self.state.http_routes):
            if not cache.is_served:
                continue
            # They are called like the Environment.
            live = await self.cluster.get(cache.resource, holder.name, holder.namespace)
            if live is not None and labels.controller_uid(live) == holder.uid:
                found.update(routed_hosts(live))
        return frozenset(found)
