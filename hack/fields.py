"""Reference page of the fields' history: which change brought what, and what is still to come."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from hack.crd import definition_of
from kapsa.models import KINDS
from kapsa.models.meta import ObjectMeta

FieldId: TypeAlias = tuple[str, str]
"""Name of a model, and of a field as people write it."""

_SOURCE: Final = Path(__file__).with_name("fields.toml")
_INTRODUCTION: Final = """\
# Fields and when they came

A change has the number that the [changelog](../../CHANGELOG.md) gives it. A field stands for all
that is in it, except for what a later change lists. What several fields have in common, such as
`spec.runtime` and that of each environment, is listed at the first of them.
"""
_PLANNED: Final = """
## Not yet

The API server refuses these, or drops them with a warning.

| What | Fields |
| --- | --- |
"""


@dataclass(frozen=True)
class Change:
    """What a change brought.

    Attributes:
        number: The change's number in the changelog.
        title: What it was about.
        fields: Its fields.
        values: What fields of former changes can say since.
    """

    number: str
    title: str
    fields: frozenset[FieldId]
    values: Mapping[FieldId, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """What is still to come; `paths` are those of fields, or `<path>: <value>`."""

    what: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A field where people meet it: in which kind, at which path, inside which field."""

    kind: str
    path: str
    id: FieldId
    within: FieldId | None


@cache
def changes() -> tuple[Change, ...]:
    """Return the changes, oldest first."""
    tables = sorted(
        ((key, value) for key, value in _read().items() if key.isdigit()),
        key=lambda item: int(item[0]),
    )
    return tuple(_change(number, table) for number, table in tables)


@cache
def planned() -> tuple[Planned, ...]:
    """Return what is still to come."""
    return tuple(Planned(item["what"], tuple(item["paths"])) for item in _read()["planned"])


def places() -> Iterator[Place]:
    """Yield every field of every kind, as often as people meet it."""
    for model in KINDS:
        yield from _places(definition_of(model).kind, model, "", None)


def fields_page() -> str:
    """Return the page: for each change its fields, then what is still to come."""
    first: dict[tuple[str, FieldId], Place] = {}
    for place in places():
        first.setdefault((place.kind, place.id), place)
    everywhere = tuple(first.values())
    sections = [_section(change, everywhere) for change in changes()]
    rows = [f"| {item.what} | {_planned_fields(item)} |\n" for item in planned()]
    return _INTRODUCTION + "".join(sections) + _PLANNED + "".join(rows)


def _section(change: Change, everywhere: Sequence[Place]) -> str:
    """Return a table of the fields whose outer field did not come with the same change."""
    lines = [f"\n## Change {change.number}: {change.title}\n\n", "| Kind | Field | New values |\n"]
    lines.append("| --- | --- | --- |\n")
    for place in everywhere:
        if place.id in change.fields and place.within not in change.fields:
            lines.append(f"| {place.kind} | `{place.path}` |  |\n")
        elif place.id in change.values:
            values = ", ".join(f"`{value}`" for value in change.values[place.id])
            lines.append(f"| {place.kind} | `{place.path}` | {values} |\n")
    return "".join(lines)


def _planned_fields(item: Planned) -> str:
    return ", ".join(f"`{path}`" for path in item.paths)


def _change(number: str, table: Mapping[str, Any]) -> Change:
    fields = {(model, name) for model, names in table["fields"].items() for name in names}
    values = {
        (model, name): tuple(values)
        for key, values in table.get("values", {}).items()
        for model, _, name in (key.partition("."),)
    }
    return Change(number, table["title"], frozenset(fields), values)


def _places(
    kind: str, model: type[BaseModel], path: str, within: FieldId | None
) -> Iterator[Place]:
    """Yield the fields of a model, and of the models in it."""
    for name, info in model.model_fields.items():
        inner, suffix = _model_in(info.annotation)
        if inner is ObjectMeta:
            continue
        alias = info.alias or name
        here = f"{path}.{alias}".removeprefix(".")
        identity = (model.__name__, alias)
        yield Place(kind, here + suffix, identity, within)
        if inner is not None:
            yield from _places(kind, inner, here + suffix, identity)


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """Return the model that an annotation is, lists or allows, and `[]` if it is a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    if get_origin(annotation) is Annotated:
        return _model_in(get_args(annotation)[0])
    suffix = "[]" if get_origin(annotation) is tuple else ""
    for argument in get_args(annotation):
        inner, deeper = _model_in(argument)
        if inner is not None:
            return inner, suffix + deeper
    return None, ""


def _read() -> dict[str, Any]:
    return tomllib.loads(_SOURCE.read_text(encoding="utf-8"))
