"""The plan as a unified diff against the live objects."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from kapsa.cli.planning.documents import readable
from kapsa.cli.planning.values import Manifest, PlannedEnvironment, PlannedProject
from kapsa.core import labels
from kapsa.core.live_part import live_part

Identity = tuple[str, str, str]
"""Kind, namespace and name."""

_SHOWN_METADATA = ("name", "namespace", "labels", "annotations", "ownerReferences")


@dataclass(frozen=True)
class Live:
    """What is in the cluster.

    Attributes:
        objects: Live objects, among them all that have the names of planned ones.
        children: Live objects that were made for Environments.
        manager: The field manager that the operator applies as.
    """

    objects: Mapping[Identity, Manifest]
    children: tuple[Manifest, ...]
    manager: str


def identity_of(manifest: Manifest) -> Identity:
    """Return what identifies an object among all others."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace") or "", metadata["name"]


def difference(project: PlannedProject, live: Live) -> tuple[str, tuple[str, ...]]:
    """Return the unified diff from what is live to what is planned, and notes about it.

    The diff shows only fields that Kapsa writes or would give up; there is none where an apply of
    the plan would change nothing. What other people made is left out, and noted.
    """
    made = project.made_namespace
    if made is not None and _is_foreign(made, made["metadata"]["labels"][labels.OWNER_UID], live):
        return "", (_left_alone(made),)
    changes = [_changed(made, live)] if made is not None else []
    notes = []
    for item in project.environments:
        if item.action == "delete":
            changes.append(_diff(identity_of(item.manifest), _whole(item.manifest), None))
        if item.is_wanted:
            changes.append(_changed(item.manifest, live))
        for manifest in item.objects:
            if _is_foreign(manifest, item.uid, live):
                notes.append(_left_alone(manifest))
            else:
                changes.append(_changed(manifest, live))
        changes += [
            _diff(identity_of(child), _whole(child), None) for child in _superfluous(item, live)
        ]
    return "".join(changes), tuple(notes)


def _is_foreign(manifest: Manifest, owner_uid: str, live: Live) -> bool:
    found = live.objects.get(identity_of(manifest))
    return found is not None and not labels.is_owned_by(found, owner_uid)


def _left_alone(manifest: Manifest) -> str:
    return (
        f"{'/'.join(filter(None, identity_of(manifest)))} exists, and Kapsa did not make it: it is"
        " left alone. Delete or rename it"
    )


def _superfluous(item: PlannedEnvironment, live: Live) -> Iterator[Manifest]:
    """Yield the live objects that were made for the Environment, and that would be deleted."""
    wanted = {identity_of(manifest) for manifest in item.objects}
    for child in live.children:
        is_its_own = item.uid != "" and labels.controller_uid(child) == item.uid
        if item.prunes and is_its_own and identity_of(child) not in wanted:
            yield child


def _changed(desired: Manifest, live: Live) -> str:
    identity = identity_of(desired)
    found = live.objects.get(identity)
    before = live_part(desired, found, live.manager) if found else None
    return _diff(identity, before, desired)


def _whole(manifest: Manifest) -> Manifest:
    """Return what people want to see of an object that goes: not what the API server keeps."""
    metadata = manifest["metadata"]
    shown = {key: metadata[key] for key in _SHOWN_METADATA if key in metadata}
    kept = ("apiVersion", "kind", "spec")
    return {"metadata": shown} | {key: manifest[key] for key in kept if key in manifest}


def _diff(identity: Identity, before: Manifest | None, after: Manifest | None) -> str:
    path = "/".join(filter(None, identity))
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        fromfile=f"live/{path}" if before else "/dev/null",
        tofile=f"planned/{path}" if after else "/dev/null",
    )
    return "".join(lines)


def _lines(manifest: Manifest | None) -> list[str]:
    if manifest is None:
        return []
    return yaml.safe_dump(readable(manifest), sort_keys=True, width=100).splitlines(keepends=True)
