"""Removes what deleted objects left where Kubernetes' garbage collection doesn't reach.

That is: namespaces made for a Project, and claims. Nothing goes on the word of a cache or of a
listing: before each delete the API server itself must say that the owner is gone.
"""

from dataclasses import dataclass

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.resources import BY_KIND
from kapsa.controllers.applier import Applier
from kapsa.controllers.cache import Key, Manifest, uid_of
from kapsa.controllers.claims import Claims
from kapsa.controllers.queue import Queue
from kapsa.controllers.state import HOST, OWNER, PROJECT, State
from kapsa.core import labels
from kapsa.core.manifests.claim import Holder
from kapsa.models.base import API_VERSION

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
        queue: What may have to go.
    """

    cluster: Cluster
    state: State
    applier: Applier
    claims: Claims
    queue: Queue[SweepKey]

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
        if not uid or self.state.is_known(uid) or await self._is_alive(owner, uid):
            return None
        if kind == "Namespace":
            await self.applier.delete(manifest)
            return None
        if self._is_routed(manifest, uid):
            return _ROUTES_RETRY
        if self._has_hosts(uid):
            # Looked at again when its last Environment is gone.
            return None
        await self.claims.delete(manifest)
        return None

    async def _is_alive(self, owner: Holder, uid: str) -> bool:
        resource = BY_KIND.get((API_VERSION, owner.kind))
        if resource is None or not owner.name:
            # Not of Kapsa's making, or of a later version's: not ours to judge.
            return True
        live = await self.cluster.get(resource, owner.name, owner.namespace)
        return live is not None and uid_of(live) == uid

    def _has_hosts(self, uid: str) -> bool:
        """Tell whether Environments of a Project hold hosts, which are in its subdomain."""
        environments = self.state.environments.find(PROJECT, uid)
        return any(self.claims.held("host", uid_of(environment)) for environment in environments)

    def _is_routed(self, lease: Manifest, uid: str) -> bool:
        host = (lease["metadata"].get("annotations") or {}).get(labels.HOST, "")
        return any(
            labels.controller_uid(ingress) == uid
            for ingress in self.state.ingresses.find(HOST, host)
        )


def _owner_uid(manifest: Manifest) -> str:
    return str((manifest["metadata"].get("labels") or {}).get(labels.OWNER_UID, ""))
