"""Names of fields that somebody gets wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.manifests.invalid import Manifest
from tests.manifests.places import all_places


@dataclass(frozen=True)
class Typo:
    """A valid manifest in which one field is called otherwise."""

    manifest: Manifest
    path: str
    """The name that nobody knows, such as `spec.repository.urll`."""

    def __str__(self) -> str:
        return f"{self.manifest['kind']} {self.path}"


def typos() -> Iterator[Typo]:
    """Yield a case for each field of each shape of object, with its last letter twice."""
    for place in all_places():
        if place.is_field:
            name = str(place.tokens[-1])
            wrong = name + name[-1]
            path = f"{place.path.removesuffix(name)}{wrong}"
            yield Typo(place.called(wrong), path)
