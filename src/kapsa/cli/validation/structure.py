"""Whether a manifest fits the schema of its kind, leaving the CEL rules aside."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from kapsa.cli.validation.schemas import Schema
from kapsa.cli.validation.wording import explain
from kapsa.core.problems import Problem

Errors = Iterator[ValidationError]

_LONGEST_MATCHED: Final = 4096
_BREAKING: Final = frozenset(
    {"required", "type", "anyOf", "maxLength", "maxItems", "maxProperties"}
)
"""The keywords after which the API server evaluates no CEL rule.

Source: https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go
"""


@dataclass(frozen=True)
class Misfits:
    """What doesn't fit.

    Attributes:
        problems: One for each field that doesn't fit.
        broken: The fields of them in which no CEL rule can be evaluated.
    """

    problems: tuple[Problem, ...]
    broken: tuple[str, ...]


def find_misfits(schema: Schema, value: Any) -> Misfits:
    """Return what doesn't fit; of several things at one field, the first by the schema's order."""
    found: dict[str, Problem] = {}
    broken: list[str] = []
    for error in _STRUCTURE(schema).iter_errors(value):
        path = render_path(schema, error.absolute_path)
        found.setdefault(path, Problem(path, explain(error)))
        if error.validator in _BREAKING:
            broken.append(path)
    return Misfits(tuple(found.values()), tuple(broken))


def render_path(schema: Schema, path: Iterable[str | int]) -> str:
    """Return a path as the API server writes it: `spec.environments[0].name`, `limits[cpu]`."""
    rendered = ""
    for step in path:
        if isinstance(step, int):
            rendered += f"[{step}]"
            schema = schema.get("items", {})
        elif isinstance(schema.get("additionalProperties"), dict):
            rendered += f"[{step}]"
            schema = schema["additionalProperties"]
        else:
            rendered += f".{step}"
            schema = schema.get("properties", {}).get(step, {})
    return rendered.removeprefix(".")


def _fields_beyond(validator: Any, rest: Any, instance: Any, schema: Schema) -> Errors:
    """Check maps, and name each unknown field by itself."""
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    for name, item in instance.items():
        if name in known:
            continue
        if rest is False:
            yield ValidationError("unknown field", path=[name])
        elif isinstance(rest, dict):
            yield from validator.descend(item, rest, path=name)


def _required(_: Any, names: list[str], instance: Any, schema: Schema) -> Errors:
    """Name each missing field by its own path."""
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError("missing", path=[name])


def _pattern(_: Any, pattern: str, instance: Any, schema: Schema) -> Errors:
    """Match as the API server does: `$` is the end of the text, and spaces are those of ASCII."""
    if not isinstance(instance, str) or len(instance) > _LONGEST_MATCHED:
        return
    # To Python, a final `$` also matches before a last line break.
    exact = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    if not re.search(exact, instance, re.ASCII):
        yield ValidationError("no match")


def _list_type(_: Any, kind: str, instance: Any, schema: Schema) -> Errors:
    """Refuse a second item of the same keys (`map`), or the same item again (`set`).

    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
    """
    if kind == "atomic" or not isinstance(instance, list):
        return
    keys: list[str] = schema.get("x-kubernetes-list-map-keys", [])
    seen: list[Any] = []
    for index, item in enumerate(instance):
        identity: Any = item
        if kind == "map":
            if not isinstance(item, dict):
                continue
            identity = {key: item.get(key) for key in keys}
        if identity in seen:
            same = f"has the same {' and '.join(keys)} as" if kind == "map" else "is the same as"
            yield ValidationError(f"{same} item [{seen.index(identity)}]", path=[index])
        seen.append(identity)


_STRUCTURE: Final[Any] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "additionalProperties": _fields_beyond,
        "required": _required,
        "pattern": _pattern,
        "x-kubernetes-list-type": _list_type,
    },
)
