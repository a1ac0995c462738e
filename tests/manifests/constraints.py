"""Every constraint of the generated CRDs on what people write.

Only `spec` and the rules at the root are looked at: `status` is written by the operator alone,
whose tests say what it writes.

A type that occurs at many places, such as the Runtime of a Project, of its environments and of its
previews, counts once: a constraint is known by the shape of the object that it is in (all of its
schema but descriptions and defaults), the way from there to the field, the keyword and its value.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from kapsa.models import KINDS, Model

Schema = dict[str, Any]

RULES: Final = "x-kubernetes-validations"
MAP_KEYS: Final = "x-kubernetes-list-map-keys"
LIST_TYPE: Final = "x-kubernetes-list-type"
_BOUNDS: Final = (
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "enum",
    "pattern",
    "format",
)
_CRDS: Final = Path(__file__).parents[2] / "crds"


@dataclass(frozen=True)
class Constraint:
    """One thing that the API server demands of a value."""

    keyword: str
    """The keyword of the schema; `x-kubernetes-validations` for a rule."""
    detail: str
    """The bound or the enum as JSON, the required field's name, the type, the rule's message."""
    owner: str
    """Shape of the nearest object around the field, or of the object itself."""
    field: str
    """The way from that object to the field; empty for the object itself."""

    def __str__(self) -> str:
        return f"{self.keyword} {self.detail}"


@dataclass(frozen=True)
class Node:
    """A place of a schema."""

    path: str
    """Where it is, such as `spec.environments[].name`; `[*]` stands for any key of a map."""
    schema: Schema
    owner: str
    """Shape of the nearest object around it, or of itself where it is an object."""
    field: str
    """The way from there to it; empty for an object."""
    within: tuple[str, str]
    """Shape of the nearest object around it, and the way from there to it."""

    def constraints(self) -> Iterator[Constraint]:
        """Yield what is demanded here, without what is demanded further down."""
        for keyword, detail in _demands(self.schema):
            yield Constraint(keyword, detail, self.owner, self.field)

    def rule(self, message: str) -> Constraint:
        """Return the rule here that says `message`.

        Raises:
            LookupError: There is none.
        """
        for found in self.constraints():
            if (found.keyword, found.detail) == (RULES, message):
                return found
        raise LookupError(f"no rule at {self.path or 'the root'} says {message!r}")

    def children(self) -> Iterator["Node"]:
        """Yield the places right below."""
        for name, schema in self.schema.get("properties", {}).items():
            yield self._below(f".{name}", schema)
        for keyword, suffix in (("items", "[]"), ("additionalProperties", "[*]")):
            if keyword in self.schema:
                yield self._below(suffix, self.schema[keyword])

    def _below(self, suffix: str, schema: Schema) -> "Node":
        within = (self.owner, self.field + suffix)
        known = (_shape(schema), "") if "properties" in schema else within
        return Node((self.path + suffix).lstrip("."), schema, *known, within)


@cache
def root_of(kind: type[Model]) -> Node:
    """Return the schema of a kind, as `crds/` has it, with no field but its spec."""
    definition: Any = kind
    text = (_CRDS / f"{definition.definition.plural}.yaml").read_text(encoding="utf-8")
    (version,) = yaml.safe_load(text)["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    own: Schema = {"required": schema.get("required", []), RULES: schema.get(RULES, [])}
    own |= {"properties": {"spec": schema["properties"]["spec"]}}
    return Node("", own, kind.__name__, "", (kind.__name__, ""))


def nodes_below(node: Node) -> Iterator[Node]:
    """Yield a place and all places below it."""
    yield node
    for child in node.children():
        yield from nodes_below(child)


@cache
def all_constraints() -> dict[Constraint, str]:
    """Return each constraint of any kind with one place where it is, `Project spec.suspend`."""
    found: dict[Constraint, str] = {}
    for kind in KINDS:
        for node in nodes_below(root_of(kind)):
            for constraint in node.constraints():
                found.setdefault(constraint, f"{kind.__name__} {node.path}".rstrip())
    return found


def _demands(schema: Schema) -> Iterator[tuple[str, str]]:
    for keyword in _BOUNDS:
        if keyword in schema:
            yield keyword, json.dumps(schema[keyword])
    if schema.get("x-kubernetes-int-or-string"):
        yield "type", "integer,string"
    elif "type" in schema:
        yield "type", schema["type"]
    for name in schema.get("required", ()):
        yield "required", name
    if MAP_KEYS in schema:
        yield MAP_KEYS, json.dumps(schema[MAP_KEYS])
    elif schema.get(LIST_TYPE) == "set":
        yield LIST_TYPE, "set"
    for rule in schema.get(RULES, ()):
        yield RULES, rule["message"]


def _shape(schema: Schema) -> str:
    """Return a schema as text, without what demands nothing."""
    return json.dumps(_demanding(schema), sort_keys=True)


def _demanding(schema: Schema) -> Schema:
    kept = {key: value for key, value in schema.items() if key not in {"description", "default"}}
    if "properties" in kept:
        fields = kept["properties"].items()
        kept["properties"] = {name: _demanding(field) for name, field in fields}
    for keyword in ("items", "additionalProperties"):
        if keyword in kept:
            kept[keyword] = _demanding(kept[keyword])
    return kept
