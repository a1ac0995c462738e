"""What a laboratory's cluster contains at one moment, as far as the story is about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.platform import Platform

Manifest = dict[str, Any]

_KINDS = (
    "projects,environments,domainpools,registries,deployments,replicasets,pods,services,"
    "endpointslices,ingresses,leases"
)
_ENVIRONMENT_LABEL = "kapsa-project.io/environment"


@dataclass(frozen=True)
class Snapshot:
    """Objects of all namespaces."""

    items: tuple[Manifest, ...] = ()

    def of(self, kind: str) -> Iterator[Manifest]:
        """Return all objects of a kind."""
        return (item for item in self.items if item["kind"] == kind)

    def named(self, kind: str, name: str) -> Manifest | None:
        """Return the first object of that kind and name; None where there is none."""
        return next((item for item in self.of(kind) if item["metadata"]["name"] == name), None)

    def environment(self, branch: str) -> Manifest | None:
        """Return the Environment of a branch; None where there is none."""
        found = (item for item in self.of("Environment") if item["spec"].get("branch") == branch)
        return next(found, None)

    def owned(self, kind: str, owner: Manifest) -> list[Manifest]:
        """Return the objects of a kind whose controller is `owner`, told by its UID."""
        uid = owner["metadata"]["uid"]
        return [item for item in self.of(kind) if uid in _controllers(item)]

    def labelled(self, environment: str) -> list[Manifest]:
        """Return whatever bears the label of an Environment of that name."""
        return [
            item
            for item in self.items
            if (item["metadata"].get("labels") or {}).get(_ENVIRONMENT_LABEL) == environment
        ]

    def claims(self, uid: str) -> list[Manifest]:
        """Return the Leases by which an Environment of that UID claims hosts."""
        return [
            item
            for item in self.of("Lease")
            if (item.get("spec") or {}).get("holderIdentity") == uid
        ]


def take(platform: Platform) -> Snapshot:
    """Look at the cluster once.

    Raises:
        LabError: The API server did not answer.
    """
    text = platform.kubectl("get", _KINDS, "--all-namespaces", "--output=json")
    return Snapshot(tuple(json.loads(text)["items"]))


def _controllers(manifest: Manifest) -> list[str]:
    references = manifest["metadata"].get("ownerReferences") or []
    return [reference["uid"] for reference in references if reference.get("controller")]
