"""A manifest that the API server refuses, and what it says."""

from dataclasses import dataclass
from typing import Any

from tests.manifests.constraints import Constraint

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Invalid:
    """A valid manifest, changed at one place so that it is refused."""

    name: str
    manifest: Manifest
    path: str
    """The field that is named, such as `spec.environments[0].name`; `<nil>` is the object."""
    message: str
    """What is said of the field."""
    breaks: Constraint

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class InvalidUpdate:
    """A valid object, and a valid one that may not take its place."""

    name: str
    before: Manifest
    after: Manifest
    path: str
    message: str
    breaks: Constraint

    def __str__(self) -> str:
        return self.name
