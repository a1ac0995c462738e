"""Where the values of the largest valid manifests stand, each with its schema."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kapsa.models import KINDS, Model
from tests.manifests.constraints import Node, root_of
from tests.manifests.paths import Manifest, Token, removed, renamed, replaced
from tests.manifests.valid import full_manifests


@dataclass(frozen=True)
class Place:
    """A value of a valid manifest."""

    manifest: Manifest
    node: Node
    tokens: tuple[Token, ...]
    path: str
    """The way to it, as a rule is refused: `spec.runtime.resources.limits[cpu]`."""
    dotted: str
    """The same, as a bound is refused: `spec.runtime.resources.limits.cpu`."""
    value: Any

    @property
    def name(self) -> str:
        """Kind and path, for the names of tests."""
        return f"{self.manifest['kind']} {self.path}".strip()

    @property
    def is_field(self) -> bool:
        """Whether it is a field of an object: no item, no value of a map and not the object."""
        return bool(self.path) and self.path[-1] != "]"

    def set(self, value: Any) -> Manifest:
        """Return the manifest with another value here."""
        return replaced(self.manifest, self.tokens, value)

    def without(self, name: str) -> Manifest:
        """Return the manifest without a field of the object here."""
        return removed(self.manifest, (*self.tokens, name))

    def called(self, name: str) -> Manifest:
        """Return the manifest with this field under another name."""
        return renamed(self.manifest, self.tokens, name)

    def at(self, key: Token) -> str:
        """Return the path of a field, an item or a value of a map below."""
        in_object = "properties" in self.node.schema
        return f"{self.path}.{key}".lstrip(".") if in_object else f"{self.path}[{key}]"

    def _dotted_at(self, key: Token) -> str:
        if isinstance(key, int):
            return f"{self.dotted}[{key}]"
        return f"{self.dotted}.{key}".lstrip(".")

    def children(self) -> Iterator["Place"]:
        """Yield the places right below, as far as the manifest has them."""
        for child in self.node.children():
            for key in self._keys(child):
                yield replace(
                    self,
                    node=child,
                    tokens=(*self.tokens, key),
                    path=self.at(key),
                    dotted=self._dotted_at(key),
                    value=self.value[key],
                )

    def _keys(self, child: Node) -> list[Token]:
        if child.path.endswith("[]"):
            return list(range(len(self.value)))
        if child.path.endswith("[*]"):
            return list(self.value)
        name = child.path.rpartition(".")[2]
        return [name] if name in self.value else []


def places_below(place: Place) -> Iterator[Place]:
    """Yield a place and all places below it."""
    yield place
    for child in place.children():
        yield from places_below(child)


@cache
def all_places() -> tuple[Place, ...]:
    """Return a place for each field of each shape of object, in the order of the kinds."""
    found: dict[tuple[str, str], Place] = {}
    for kind in KINDS:
        for place in places_of(kind):
            found.setdefault(place.node.within, place)
    return tuple(found.values())


def places_of(kind: type[Model]) -> Iterator[Place]:
    """Yield every place of the largest manifests of a kind."""
    for manifest in full_manifests(kind):
        yield from places_below(Place(manifest, root_of(kind), (), "", "", manifest))
