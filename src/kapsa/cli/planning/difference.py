"""The plan as a unified diff against the live objects."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from kapsa.cli.planning.content import comparable
from kapsa.cli.planning.documents import readable
from kapsa.cli.planning.values import (
    Manifest,
    PlannedEnvironment,
    PlannedPlace,
    PlannedProject,
)
from kapsa.core import labels
from kapsa.core.live_part import live_part
from kapsa.core.projects.namespaces import bears_its_stamp
from kapsa.core.workloads.volumes import is_retained_for

Identity = tuple[str, str, str]
"""Kind, namespace and name."""

_SHOWN_METADATA = ("name", "namespace", "labels", "annotations", "ownerReferences")


@dataclass(frozen=True)
class Live:
    """What is in the cluster.

    Attributes:
        objects: Live objects, among them all that have the names of planned ones.
        children: Live objects that were made for Environments.
        furnishings: Live objects that were made once for a namespace.
        manager: The field manager that the operator applies as.
    """

    objects: Mapping[Identity, Manifest]
    children: tuple[Manifest, ...]
    manager: str
    furnishings: tuple[Manifest, ...] = ()


def identity_of(manifest: Manifest) -> Identity:
    """Return what identifies an object among all others."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace") or "", metadata["name"]


def difference(project: PlannedProject, live: Live) -> tuple[str, tuple[str, ...]]:
    """Return the unified diff from what is live to what is planned, and notes about it.

    The diff shows only fields that Kapsa writes or would give up; there is none where an apply of
    the plan would change nothing. What other people made is left out, and noted. So is what no plan
    knows: Secrets, the content of ConfigMaps, and the digest of both that pods have.
    """
    changes: list[str] = []
    foreign = {
        place.name: place.manifest
        for place in project.places
        if place.manifest is not None and _is_strangers_namespace(place.manifest, live)
    }
    notes = [_left_alone(manifest) for manifest in foreign.values()]
    for place in project.places:
        if place.name not in foreign:
            changes += _of_place(place, live)
            strangers = [item for item in place.objects if _is_strangers(item, place.uid, live)]
            notes += map(_left_alone, strangers)
    for item in project.environments:
        if item.namespace in foreign:
            continue
        if item.action == "delete":
            changes.append(_diff(identity_of(item.manifest), _whole(item.manifest), None))
        if item.is_wanted:
            changes.append(_changed(item.manifest, live))
        for manifest in item.objects:
            if manifest["kind"] == "Secret":
                continue
            if _is_foreign(manifest, item.uid, live) and not _is_retained(manifest, item, live):
                notes.append(_left_alone(manifest))
            else:
                changes.append(_changed(manifest, live))
        changes += [
            _diff(identity_of(child), _whole(child), None) for child in _superfluous(item, live)
        ]
    return "".join(changes), tuple(notes)


def _of_place(place: PlannedPlace, live: Live) -> Iterator[str]:
    """Yield the differences of a namespace, and of what is made once for it."""
    found = live.objects.get(("Namespace", "", place.name))
    if not place.is_wanted:
        holds_volumes = any(
            (child["metadata"].get("labels") or {}).get(labels.RETAIN) == "true"
            for child in live.children
            if child["metadata"]["namespace"] == place.name
        )
        if found is not None and not holds_volumes:
            yield _diff(identity_of(found), _whole(found), None)
        return
    if place.manifest is not None:
        yield _changed(place.manifest, live)
    for manifest in place.objects:
        if not _is_strangers(manifest, place.uid, live):
            yield _changed(manifest, live)
    kinds = {manifest["kind"] for manifest in place.objects}
    for item in live.furnishings:
        # Only of access the Project decides; the rest may follow from settings that aren't known.
        is_superfluous = item["kind"] == "RoleBinding" and item["kind"] not in kinds
        if is_superfluous and place.uid and labels.controller_uid(item) == place.uid:
            yield _diff(identity_of(item), _whole(item), None)


def _is_strangers_namespace(namespace: Manifest, live: Live) -> bool:
    owner = namespace["metadata"]["labels"][labels.OWNER_UID]
    found = live.objects.get(identity_of(namespace))
    return _is_foreign(namespace, owner, live) and not (
        found is not None and bears_its_stamp(found, namespace)
    )


def _is_strangers(manifest: Manifest, owner_uid: str, live: Live) -> bool:
    """Tell whether the live object is known neither by its owner nor by its labels."""
    project_uid = manifest["metadata"]["labels"][labels.OWNER_UID]
    return _is_foreign(manifest, owner_uid, live) and _is_foreign(manifest, project_uid, live)


def _is_foreign(manifest: Manifest, owner_uid: str, live: Live) -> bool:
    found = live.objects.get(identity_of(manifest))
    return found is not None and not labels.is_owned_by(found, owner_uid)


def _is_retained(manifest: Manifest, item: PlannedEnvironment, live: Live) -> bool:
    """Tell whether the live object is a volume that waited for the Environment to return."""
    metadata, found = item.manifest["metadata"], live.objects[identity_of(manifest)]
    project = (item.manifest["spec"].get("projectRef") or {}).get("name", "")
    return is_retained_for(found, (item.namespace, metadata["name"]), project)


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
        if not item.prunes or child["kind"] in item.spared:
            continue
        if is_its_own and identity_of(child) not in wanted:
            yield child


def _changed(desired: Manifest, live: Live) -> str:
    identity = identity_of(desired)
    found = live.objects.get(identity)
    before = live_part(desired, comparable(found), live.manager) if found else None
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
