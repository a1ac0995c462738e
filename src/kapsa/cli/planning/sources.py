"""The manifests that `kapsa plan` is given, sorted by what they are good for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kapsa.cli.planning.values import Manifest
from kapsa.cli.validation.identity import foreign_note


@dataclass(frozen=True)
class Given:
    """What the files hold.

    Attributes:
        projects: The Projects to plan.
        environments: Environments that exist already.
        pools: DomainPools by name.
        registries: Registries by name.
        notes: What was left out, a sentence each.
    """

    projects: tuple[Manifest, ...] = ()
    environments: tuple[Manifest, ...] = ()
    pools: Mapping[str, Manifest] = field(default_factory=dict)
    registries: Mapping[str, Manifest] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def sort_out(manifests: Iterable[Any], namespace: str) -> Given:
    """Return the objects by what they are good for.

    Args:
        manifests: Valid objects of Kapsa, and anything else.
        namespace: The namespace of those that name none.
    """
    known = list(manifests)
    notes = [note for item in known if (note := foreign_note(item)) is not None]
    mine = [_in_namespace(item, namespace) for item in known if foreign_note(item) is None]
    return Given(
        projects=_of_kind("Project", mine),
        environments=_of_kind("Environment", mine),
        pools={item["metadata"]["name"]: item for item in _of_kind("DomainPool", mine)},
        registries={item["metadata"]["name"]: item for item in _of_kind("Registry", mine)},
        notes=tuple(notes),
    )


def _of_kind(kind: str, manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    return tuple(manifest for manifest in manifests if manifest["kind"] == kind)


def _in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    if manifest["kind"] not in ("Project", "Environment"):
        return manifest
    return {**manifest, "metadata": {"namespace": namespace, **manifest["metadata"]}}
