"""The claims of volumes: whose they are, what they can never become, and what keeps them.

Source: https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.persistent_volume_claim import (
    DEFAULT_SIZE,
    persistent_volume_claim,
    volume_claim_name,
)
from kapsa.models.configuration import Volume
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason
from kapsa.utils.quantities import is_less

Manifest = Mapping[str, Any]
Claims = Mapping[str, Manifest]
"""Live PersistentVolumeClaims by name."""


def belongs_to(live: Manifest, environment: Environment) -> bool:
    """Tell whether a live object is the Environment's: owned by it, or retained for its name.

    What is retained has outlived a UID. Its annotation names the Environment, so labels that
    somebody took off by mistake can be put back; the label of another Project makes it that one's.
    """
    meta, project = environment.metadata, environment.spec.project_ref
    if labels.is_owned_by(live, meta.uid):
        return True
    return is_retained_for(live, (meta.namespace, meta.name), project.name if project else "")


def is_retained_for(live: Manifest, environment: tuple[str, str], project: str) -> bool:
    """Tell whether a live claim is retained for an Environment of that namespace and name.

    Args:
        live: Any live object.
        environment: Namespace and name.
        project: Name of the Project; nothing for an Environment that stands alone.
    """
    if labels.controller_uid(live) or labels.retained_for(live) != environment:
        return False
    found = live["metadata"].get("labels") or {}
    return not labels.is_managed(live) or found.get(labels.PROJECT, "") == project


def volume_obstacle(environment: Environment, claims: Claims) -> Blocked | None:
    """Return which volume is asked to be what it can't become; None where none is."""
    for volume in environment.spec.runtime.volumes:
        live = _present(environment, volume, claims)
        if live is None:
            continue
        name, size = live["metadata"]["name"], _size(live)
        if volume.size is not None and is_less(volume.size, size):
            return _never(volume, f"size is {volume.size}", name, size, "shrinks")
        wanted, found = volume.storage_class_name, live["spec"].get("storageClassName")
        if wanted and found and wanted != found:
            what = f"storageClassName is {wanted}"
            return _never(volume, what, name, found, "changes its StorageClass")
    return None


def _never(volume: Volume, wanted: str, claim: str, found: str, what: str) -> Blocked:
    return Blocked(
        Reason.VOLUME_IMMUTABLE,
        f"volume {volume.name}: {wanted}, and PersistentVolumeClaim {claim} has {found}; a volume"
        f" never {what}. Set it back to {found}, or delete the claim and all that is on it",
        stalled=True,
    )


def volume_claims(context: WorkloadContext, claims: Claims) -> Iterator[dict[str, Any]]:
    """Yield the claim of each volume. One that says no size keeps the size that it has."""
    for volume in context.environment.spec.runtime.volumes:
        live = _present(context.environment, volume, claims)
        yield persistent_volume_claim(context, volume, _size(live) if live else DEFAULT_SIZE)


def claims_to_release(environment: Environment, claims: Claims) -> Iterator[dict[str, Any]]:
    """Yield the claims that are to be retained and still go with the Environment.

    Each stays as it is, but for its owner: nothing that hinders the rest of the Environment, or
    ends it, hinders that.
    """
    context = WorkloadContext(environment=environment, image="")
    for volume in environment.spec.runtime.volumes:
        live = _present(environment, volume, claims)
        if not volume.retain or live is None or not labels.controller_uid(live):
            continue
        as_it_is = {"size": _size(live), "storage_class_name": live["spec"].get("storageClassName")}
        yield persistent_volume_claim(context, volume.model_copy(update=as_it_is))


def _present(environment: Environment, volume: Volume, claims: Claims) -> Manifest | None:
    """Return the Environment's live claim of a volume; None where there is none that stays."""
    live = claims.get(volume_claim_name(environment.metadata.name, volume.name))
    if live is None or live["metadata"].get("deletionTimestamp"):
        return None
    return live if belongs_to(live, environment) else None


def _size(live: Manifest) -> str:
    requests = (live["spec"].get("resources") or {}).get("requests") or {}
    return str(requests.get("storage") or DEFAULT_SIZE)
