"""Valid objects of the API, made from the schemas that the API server is given.

Bounds, enums, patterns, required fields and the uniqueness of list items come from the schema; what
a CEL rule demands over several fields is put right by hand, in `tests/repairs.py`. Long texts and
lists are kept short.
"""

import re
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from hack.schema import Schema, kind_schema
from kapsa.models import Model
from tests.manifests.valid import Manifest, manifest_of
from tests.repairs import repaired

_TEXT: Final = 30
"""Longest text of any kind that is made where the schema allows more."""
_FULL_TEXT: Final = 300
"""Longest bound up to which a text is filled now and then."""
_ITEMS: Final = 3
"""Most items and keys that are made where the schema allows more."""
_INTEGER: Final = 10**9
"""Largest integer where the schema has no bound."""


@cache
def specs(kind: type[Model]) -> st.SearchStrategy[Manifest]:
    """Return valid specs of a kind."""
    return from_schema(kind_schema(kind)["properties"]["spec"])


@cache
def manifests(kind: type[Model]) -> st.SearchStrategy[Manifest]:
    """Return valid objects of a kind, all of one name."""
    return specs(kind).map(lambda spec: manifest_of(kind, spec))


def from_schema(schema: Schema) -> st.SearchStrategy[Any]:
    """Return values that satisfy a structural schema of Kapsa's, with its CEL rules.

    Raises:
        ValueError: It has a rule that `tests/repairs.py` doesn't know.
    """
    made = _from_keywords(schema)
    for rule in schema.get("x-kubernetes-validations", ()):
        made = repaired(made, rule["message"])
    return made


def _from_keywords(schema: Schema) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return _integers(schema) | _texts(schema)
    return _BY_TYPE[schema["type"]](schema)


def _integers(schema: Schema) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum", 0), schema.get("maximum", _INTEGER))


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    shortest, longest = schema.get("minLength", 0), schema["maxLength"]
    if "pattern" in schema:
        # `$` would also match before a final line feed; the API server's doesn't.
        pattern = re.compile(schema["pattern"].removeprefix("^").removesuffix("$"))
        texts = st.from_regex(pattern, fullmatch=True)
        return texts.filter(lambda text: shortest <= len(text) <= longest)
    usual = st.text(min_size=shortest, max_size=min(longest, _TEXT))
    return usual | st.just("x" * longest) if longest <= _FULL_TEXT else usual


def _lists(schema: Schema) -> st.SearchStrategy[list[Any]]:
    keys = schema.get("x-kubernetes-list-map-keys")
    items = from_schema(schema["items"])
    shortest, longest = schema.get("minItems", 0), min(schema["maxItems"], _ITEMS)
    if keys:
        fields = schema["items"]["properties"]

        def identity(item: Manifest) -> tuple[Any, ...]:
            return tuple(item.get(key, fields[key].get("default")) for key in keys)

        return st.lists(items, min_size=shortest, max_size=longest, unique_by=identity)
    unique = schema["x-kubernetes-list-type"] == "set"
    return st.lists(items, min_size=shortest, max_size=longest, unique=unique)


def _objects(schema: Schema) -> st.SearchStrategy[Manifest]:
    if "additionalProperties" in schema:
        keys = st.text(min_size=1, max_size=_TEXT)
        longest = min(schema["maxProperties"], _ITEMS)
        return st.dictionaries(keys, from_schema(schema["additionalProperties"]), max_size=longest)
    fields = {name: from_schema(field) for name, field in schema["properties"].items()}
    required = schema.get("required", ())
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


_BY_TYPE: Final = {
    "boolean": lambda _: st.booleans(),
    "integer": _integers,
    "string": _texts,
    "array": _lists,
    "object": _objects,
}
