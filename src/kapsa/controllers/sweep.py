"""Removes what deleted objects left where Kubernetes' garbage collection doesn't reach.

That is: made namespaces, of a Project or of an Environment that stands alone, and claims. Nothing
goes on the word of a cache or of a listing: before each delete the API server itself must say that
the owner is gone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.hosts.live_routes import LiveRoutes
from kapsa.controllers.indexes import OWNER, PROJECT
from kapsa.controllers.namespaces.clearing import Clearing
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key, Manifest, uid_of
from kapsa.controllers.reconciling.owners import is_alive
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.manifests.claim import Holder

SweepKey = tuple[str, Key]
"""Kind (`Namespace` or `Lease`) and key of what may have to go."""

_ROUTES_RETRY = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sweeper:
    """Looks for what is left over.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Deletes namespaces.
        claims: Deletes claims.
        routes: Knows which hosts are routed.
        queue: What may have to go.
        is_busy: Tells whether an Environment is being reconciled: that may route its host yet.
    """

    cluster: Cluster
    state: State
    applier: Applier
    claims: Claims
    routes: LiveRoutes
    queue: Queue[SweepKey]
    is_busy: Callable[[Key], bool] = lambda _: False

    def look_at_all(self) -> None:
        """Look at everything whose owner the caches don't know."""
        for cache in (self.state.namespaces, self.state.claims):
            for manifest in cache:
                uid = _owner_uid(manifest)
                if uid and not self.state.is_known(uid):
                    self._add(manifest)

    def look_at_owned_by(self, uid: str) -> None:
        """Look at what an object that was deleted has left."""
        for cache in (self.state.namespaces, self.state.claims):
            for manifest in cache.find(OWNER, uid):
                self._add(manifest)

    def _add(self, manifest: Manifest) -> None:
        metadata = manifest["metadata"]
        self.queue.add((manifest["kind"], (metadata.get("namespace", ""), metadata["name"])))

    async def reconcile(self, key: SweepKey) -> float | None:
        """Delete one left-over, if it is one; return the seconds after which to look again."""
        kind, (namespace, name) = key
        manifest = self.state.by_kind(kind).get(namespace, name)
        if manifest is None or manifest["metadata"].get("deletionTimestamp"):
            return None
        owner = Holder.of(manifest)
        uid = _owner_uid(manifest)
        if not uid or self.state.is_known(uid) or await is_alive(self.cluster, manifest, uid):
            return None
        if kind == "Namespace":
            clearing = Clearing(self.cluster, self.state, self.applier)
            await clearing.clear(manifest, uid)
            return None
        return await self._release(manifest, owner, uid)

    async def _release(self, lease: Manifest, owner: Holder, uid: str) -> float | None:
        """Delete a claim whose holder is gone, once nothing is routed by it any more."""
        if self.is_busy((owner.namespace, owner.name)):
            return _ROUTES_RETRY
        if _host(lease) in await self.routes.hosts_of(owner):
            return _ROUTES_RETRY
        if self._has_hosts(uid):
            # Looked at again when its last Environment is gone.
            return None
        await self.claims.delete(lease)
        return None

    def _has_hosts(self, uid: str) -> bool:
        """Tell whether Environments of a Project hold hosts, which are in its subdomain."""
        environments = self.state.environments.find(PROJECT, uid)
        return any(self.claims.held("host", uid_of(environment)) for environment in environments)


def _host(lease: Manifest) -> str:
    return str((lease["metadata"].get("annotations") or {}).get(labels.HOST, ""))


def _owner_uid(manifest: Manifest) -> str:
    return str((manifest["metadata"].get("labels") or {}).get(labels.OWNER_UID, ""))
