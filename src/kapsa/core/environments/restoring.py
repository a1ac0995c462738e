"""The version that runs, while another one has to wait.

A new version waits until its image is there, or until its release has succeeded. That may take
days: a build fails, and nobody mends it before Monday. What runs meanwhile is rendered with the
image that ran last.

While the image is missing, that is as good as any plan: somebody scales it, a Secret is rotated. A
release comes with a new image, and may well come with settings that only the new version knows; so
while it is waited for, no more than what was applied last is put right.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kapsa.core import labels
from kapsa.core.manifests.context import WorkloadContext
from kapsa.models.environment import EnvironmentStatus, OwnedResource

Manifest = dict[str, Any]
Applied = Mapping[tuple[str, str], str]
"""Digests of the manifests that live objects were applied from, by kind and name."""


def former_context(context: WorkloadContext) -> WorkloadContext | None:
    """Return the context of the version that runs; None where none does as a whole.

    There is no way back from a version that was rolled out in part.
    """
    status = context.environment.status
    if not status.image or _last_rolled_out(status) != (status.image, status.commit):
        return None
    return replace(context, image=status.image, commit=status.commit)


def _last_rolled_out(status: EnvironmentStatus) -> tuple[str, str] | None:
    """Return image and commit of the last roll-out that didn't end with its release."""
    for entry in status.history:
        if entry.release in (None, "Succeeded"):
            return entry.image, entry.commit
    return None


def restorable(
    former: Iterable[Manifest], listed: Iterable[OwnedResource], applied: Applied
) -> Iterator[Manifest]:
    """Yield what may be applied of the version that runs, while the new one is released.

    Args:
        former: The stamped manifests of the version that runs.
        listed: The objects that the Environment had when its status was last written: of those that
            are gone, no other is made.
        applied: What the live objects were applied from.
    """
    had = {(item.kind, item.name) for item in listed}
    for manifest in former:
        identity = (manifest["kind"], manifest["metadata"]["name"])
        last = applied.get(identity)
        if last == manifest["metadata"]["annotations"][labels.APPLIED] or (
            last is None and identity in had
        ):
            yield manifest


def applied_from(live: Iterable[Manifest]) -> Applied:
    """Return from what live objects were applied; an empty digest where nothing tells."""
    return {
        (item["kind"], item["metadata"]["name"]): str(
            (item["metadata"].get("annotations") or {}).get(labels.APPLIED, "")
        )
        for item in live
    }
