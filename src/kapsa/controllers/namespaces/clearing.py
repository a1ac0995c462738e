"""Removes namespaces that were made, and keeps those that hold a volume which is to be retained."""

from dataclasses import dataclass

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.resources import VOLUME_CLAIMS
from kapsa.controllers.indexes import NAMESPACE
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Manifest
from kapsa.controllers.state import State
from kapsa.core import labels

_RETAINED = f"{labels.RETAIN}=true"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Clearing:
    """Removes namespaces.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Deletes objects.
    """

    cluster: Cluster
    state: State
    applier: Applier

    async def clear(self, namespace: Manifest, owner_uid: str) -> None:
        """Delete the Environments of a made namespace, and then all that is left in it.

        The Environments go first, for the API server takes its time with a namespace: their
        routes would serve, and their hosts be taken, for ten seconds and more. Where a retained
        volume is in it, the namespace stays; what else is left in it costs nothing.

        Args:
            namespace: The live namespace.
            owner_uid: UID of whom it was made for: its own Environments are those that name it.

        Raises:
            AdapterError: The API server can't be asked, or refuses it.
        """
        name = namespace["metadata"]["name"]
        if namespace["metadata"].get("deletionTimestamp"):
            return
        holds_volumes = await self._holds_volumes(name)
        await self.empty(name, owner_uid)
        if not holds_volumes:
            await self.applier.delete(namespace)

    async def empty(self, name: str, owner_uid: str) -> None:
        """Delete the Environments in a namespace that name the Project of that UID."""
        for environment in self.environments_of(name, owner_uid):
            if not environment["metadata"].get("deletionTimestamp"):
                await self.applier.delete(environment)

    def environments_of(self, name: str, owner_uid: str) -> list[Manifest]:
        """Return the Environments in a namespace that name the Project of that UID."""
        return [
            environment
            for environment in self.state.environments.find(NAMESPACE, name)
            if ((environment.get("spec") or {}).get("projectRef") or {}).get("uid") == owner_uid
        ]

    def is_known_to_hold_volumes(self, name: str) -> bool:
        """Tell whether the caches know of a retained volume in the namespace of that name."""
        return any(
            claim["metadata"].get("namespace") == name
            for claim in self.state.volume_claims
            if (claim["metadata"].get("labels") or {}).get(labels.RETAIN) == "true"
        )

    async def _holds_volumes(self, name: str) -> bool:
        """Tell whether there is one; what the caches don't know, the API server is asked for."""
        if self.is_known_to_hold_volumes(name):
            return True
        listing = await self.cluster.list_all(VOLUME_CLAIMS, _RETAINED, name)
        return bool(listing.items)
