"""Labels and annotations of all that belongs to a build: what it is for can be read from them."""

from collections.abc import Mapping
from typing import Any

from kapsa.core import labels
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import BuildOrder


def metadata(order: BuildOrder) -> dict[str, Any]:
    """Return the metadata of an object of a build; only the name is to be replaced, if at all."""
    origin = order.origin
    annotations = {
        labels.OWNER: f"Project/{origin.namespace}/{origin.project}",
        labels.BUILT_FOR: origin.environment,
        labels.COMMIT: order.commit,
        labels.ATTEMPT: str(order.attempt),
    }
    if order.requested_at:
        annotations[labels.REQUESTED_AT] = order.requested_at
    return {
        "name": order.name,
        "namespace": order.settings.namespace,
        "labels": {
            **labels.MANAGED,
            labels.NAME: origin.project,
            labels.OWNER_UID: origin.uid,
            labels.BUILD: order.name,
            labels.BUILD_KEY: order.key,
        },
        "annotations": annotations,
    }


def live_build(
    manifest: Mapping[str, Any], state: BuildState, timeout: int | None
) -> LiveBuild | None:
    """Return what the metadata of an object says of the build that it is; None where it is none."""
    meta = manifest["metadata"]
    own, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    attempt = notes.get(labels.ATTEMPT, "")
    if own.get(labels.BUILD) != meta["name"] or not attempt.isdecimal():
        return None
    return LiveBuild(
        name=meta["name"],
        kind=manifest["kind"],
        uid=meta.get("uid", ""),
        project_uid=own.get(labels.OWNER_UID, ""),
        environment=notes.get(labels.BUILT_FOR, ""),
        key=own.get(labels.BUILD_KEY, ""),
        commit=notes.get(labels.COMMIT, ""),
        attempt=int(attempt),
        requested_at=labels.requested_at(notes),
        state=state,
        created_at=meta.get("creationTimestamp", ""),
        timeout=timeout or 0,
    )
