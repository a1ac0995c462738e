"""Reference pages of the kinds, as Markdown."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel

from hack.crd import CATEGORY, definition_of
from hack.examples import example_of
from hack.schema import Schema, kind_schema
from kapsa.models.base import API_VERSION

_RANGES: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " keys"),
)
"""Keywords of the least and the most, and of what."""


def kind_page(model: type[BaseModel]) -> str:
    """Return the page of a kind: how it is registered, and each field of each object in it."""
    kind = definition_of(model)
    schema = kind_schema(model)
    columns = ", ".join(f"`{c.name}`" for c in kind.columns if not c.priority)
    wide = ", ".join(f"`{c.name}`" for c in kind.columns if c.priority)
    names = ", ".join(f"`{name}`" for name in (kind.plural, kind.kind.lower(), *kind.short_names))
    lines = [
        f"# {kind.kind}",
        "",
        schema["description"],
        "",
        f"- API version: `{API_VERSION}`",
        f"- Scope: {'one namespace' if kind.scope == 'Namespaced' else 'the whole cluster'}",
        f"- Names for `kubectl`: {names}; with all of Kapsa's: `{CATEGORY}`",
        f"- Columns: {columns}" + (f"; with `-o wide` also {wide}" if wide else ""),
    ]
    if kind.selectable_fields:
        fields = ", ".join(f"`{path.removeprefix('.')}`" for path in kind.selectable_fields)
        lines.append(f"- Field selectors, from Kubernetes 1.31 on: {fields}")
    lines += _rule_lines(schema)
    shown: dict[str, str] = {}
    for name, field in schema["properties"].items():
        if name != "metadata":
            lines += _section_lines(name, field, shown)
    return "\n".join(lines) + "\n"


def _section_lines(path: str, schema: Schema, shown: dict[str, str]) -> list[str]:
    """Return the table of an object and, after it, of the objects in it that are not `shown`."""
    shown[_fingerprint(schema)] = path
    lines = ["", f"## {path}", "", schema.get("description", ""), ""]
    columns = ["Field", "Type", "Default", "Bounds", "Example", "Meaning"]
    if not _is_written_by_people(path):
        columns.remove("Example")
    lines += [_row(columns), _row(["---"] * len(columns))]
    below: list[str] = []
    for name, field in schema["properties"].items():
        for nested_path, nested in _objects_of(f"{path}.{name}", field):
            if _fingerprint(nested) not in shown:
                below += _section_lines(nested_path, nested, shown)
        cells = [
            f"`{name}`",
            _type_of(f"{path}.{name}", field, shown),
            "required" if name in schema.get("required", ()) else _default_of(field),
            _bounds_of(field),
            *((_example_of(field),) if _is_written_by_people(path) else ()),
            field.get("description", ""),
        ]
        lines.append(_row(cells))
    return lines + _rule_lines(schema) + below


def _rule_lines(schema: Schema) -> list[str]:
    """Return what the API server checks of an object as a whole; the rules are in the CRD."""
    rules = schema.get("x-kubernetes-validations", ())
    if not rules:
        return []
    return ["", "The API server checks:", ""] + [f"- {rule['message']}" for rule in rules]


def _objects_of(path: str, field: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the object with fields of its own that `field` is, lists or maps, if it does."""
    if "properties" in field:
        yield path, field
    elif "items" in field:
        yield from _objects_of(f"{path}[]", field["items"])
    elif "additionalProperties" in field:
        yield from _objects_of(f"{path}.*", field["additionalProperties"])


def _type_of(path: str, field: Schema, shown: dict[str, str]) -> str:
    """Return the type of the field at `path`, with a link to the table of its own fields."""
    if "items" in field:
        return f"list of {_type_of(f'{path}[]', field['items'], shown)}"
    if "additionalProperties" in field:
        return f"map of {_type_of(f'{path}.*', field['additionalProperties'], shown)}"
    if "properties" in field:
        described = shown[_fingerprint(field)]
        if described == path:
            return f"[object](#{_anchor(path)})"
        return f"object, as [{described}](#{_anchor(described)})"
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    return "time (RFC 3339)" if field.get("format") == "date-time" else str(field["type"])


def _default_of(field: Schema) -> str:
    return f"`{json.dumps(field['default'])}`" if "default" in field else ""


def _example_of(field: Schema) -> str:
    """Return an example as a value in YAML; nothing for objects, which have tables of their own."""
    example = example_of(field)
    return "" if example is None else f"`{json.dumps(example, ensure_ascii=False)}`"


def _is_written_by_people(path: str) -> bool:
    return path.partition(".")[0] != "status"


def _bounds_of(field: Schema) -> str:
    """Return the bounds of a value and, for a list or map, of what is in it.

    A pattern is shown by what is said to who breaks it, where something is.
    """
    message = field.get("patternErrorMessage")
    if message and field.get("x-kubernetes-int-or-string"):
        return str(message)
    parts = [_range_of(field, *keywords) for keywords in _RANGES]
    if "enum" in field:
        parts.append(" or ".join(f"`{value}`" for value in field["enum"]))
    if "pattern" in field:
        parts.append(message or f"`{field['pattern']}`")
    inner = field.get("items", field.get("additionalProperties"))
    if inner and "properties" not in inner and (bounds := _bounds_of(inner)):
        parts.append(f"each {bounds}")
    return "; ".join(filter(None, parts))


def _range_of(field: Schema, least: str, most: str, unit: str) -> str:
    """Return how many there may be, such as `1 to 63 characters`; nothing if it is unbounded."""
    more = "more than " if field.get("exclusiveMinimum") and unit == "" else ""
    less = "less than " if field.get("exclusiveMaximum") and unit == "" else ""
    if least in field and most in field and not (more or less):
        return f"{field[least]} to {field[most]}{unit}"
    parts = []
    if least in field:
        parts.append(f"{more or 'at least '}{field[least]}{unit}")
    if most in field:
        parts.append(f"{less or 'at most '}{field[most]}{unit}")
    return ", ".join(parts)


def _fingerprint(schema: Schema) -> str:
    """Return what two objects share that can be described once."""
    shape: dict[str, Any] = {k: v for k, v in schema.items() if k != "description"}
    return json.dumps(shape, sort_keys=True)


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


def _row(cells: Iterable[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
