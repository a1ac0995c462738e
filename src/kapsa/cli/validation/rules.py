"""The CEL rules of the schemas, evaluated as the API server does.

Source: https://kubernetes.io/docs/reference/using-api/cel/
"""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final

import cel

from kapsa.cli.validation.schemas import Schema
from kapsa.core.problems import Problem

_BELOW: Final = re.compile(r"[.\[]")


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.ASCII)
    return found[0] if found else ""


FUNCTIONS: Final = {"find": _find}
"""What Kubernetes adds to CEL, as far as Kapsa's rules use it."""


def find_broken_rules(schema: Schema, value: Any, broken: Collection[str] = ()) -> list[Problem]:
    """Return the rules that a value breaks, defaults included.

    Args:
        schema: The schema of the object.
        value: The object as it would be stored.
        broken: The paths of fields that have not even the right type. A rule over a value with
            such a field in it isn't evaluated.
    """
    return [
        Problem(path, rule["message"])
        for path, rule, subject in _rules(schema, value, "")
        if not _is_transition(rule["rule"])
        and not any(_is_within(field, path) for field in broken)
        and not _holds(rule["rule"], subject)
    ]


def _rules(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, dict[str, str], Any]]:
    """Yield each rule of the schema, with the value that it is about and where that is."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield path, rule, value
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _rules(schema.get("items", {}), item, f"{path}[{index}]")
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        for name, item in value.items():
            if name in fields:
                yield from _rules(fields[name], item, f"{path}.{name}".removeprefix("."))
            elif isinstance(rest, dict):
                yield from _rules(rest, item, f"{path}[{name}]")


def _is_transition(rule: str) -> bool:
    """Tell whether the rule compares with what was stored before, which nobody knows here."""
    return "oldSelf" in _compiled(rule).variables()


def _is_within(inner: str, outer: str) -> bool:
    """Tell whether a path is the other one, or below it."""
    rest = inner.removeprefix(outer)
    return not outer or inner == outer or (rest != inner and bool(_BELOW.match(rest)))


def _holds(rule: str, value: Any) -> bool:
    context = cel.Context(variables={"self": value}, functions=dict(FUNCTIONS))
    try:
        return _compiled(rule).execute(context) is True
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        # To the API server, too, a rule that can't be evaluated is broken.
        return False


@cache
def _compiled(rule: str) -> cel.Program:
    return cel.compile(rule)
