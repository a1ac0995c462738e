"""What the Kubernetes API answers where an object alone would not say it."""

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Listing:
    """Objects of a kind.

    Attributes:
        items: The objects, each with `apiVersion` and `kind`.
        resource_version: The version of the whole collection that they were read at.
    """

    items: list[Manifest]
    resource_version: str


@dataclass(frozen=True)
class Deletion:
    """What has become of an object that was to be deleted.

    Attributes:
        was_there: Whether there was that object.
        dying: The object, where something has to happen before it goes: a finalizer, a grace
            period, or in a namespace the end of what it holds. None where it is gone.
    """

    was_there: bool
    dying: Manifest | None = None
