"""Asks the API server itself whether an owner is there, before what is its own is deleted."""

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.resources import BY_KIND
from kapsa.controllers.reconciling.cache import Manifest, uid_of
from kapsa.core.manifests.claim import Holder
from kapsa.models.base import API_VERSION


async def is_alive(cluster: Cluster, manifest: Manifest, uid: str) -> bool:
    """Tell whether the owner that an object names by annotation is there, with that UID.

    Raises:
        AdapterError: The API server doesn't say.
    """
    owner = Holder.of(manifest)
    resource = BY_KIND.get((API_VERSION, owner.kind))
    if resource is None or not owner.name:
        # Not of Kapsa's making, or of a later version's: not ours to judge.
        return True
    live = await cluster.get(resource, owner.name, owner.namespace)
    return live is not None and uid_of(live) == uid
