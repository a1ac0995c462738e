"""Every field that people write has an example, and it is one that the API server takes."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hack.crd import definition_of
from hack.examples import example_of
from hack.json_schema import kind_json_schema
from hack.schema import Schema
from kapsa.models import KINDS


def leaves(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every field below `schema` that holds no object with fields of its own."""
    for name, field in schema["properties"].items():
        inner = field
        while "items" in inner or isinstance(inner.get("additionalProperties"), dict):
            inner = inner.get("items", inner.get("additionalProperties"))
        if "properties" in inner:
            yield from leaves(f"{path}.{name}", inner)
        else:
            yield f"{path}.{name}", field


FIELDS = [
    pytest.param(field, id=path)
    for model in KINDS
    for path, field in leaves(
        definition_of(model).kind, kind_json_schema(model)["properties"]["spec"]
    )
]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_has_an_example_that_its_schema_accepts(field: Schema) -> None:
    examples = [example_of(field), *field.get("examples", ())]

    assert examples[0] is not None
    for example in examples:
        Draft202012Validator(field).validate(example)


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string", "examples": ["a", "b"], "default": "c"}, "a"),
        ({"type": "boolean", "default": True}, False),
        ({"type": "boolean"}, True),
        ({"type": "string", "enum": ["a", "b"], "default": "a"}, "b"),
        ({"type": "string", "enum": ["a"], "default": "a"}, "a"),
        ({"type": "integer", "default": 0}, 0),
        ({"type": "array", "items": {"examples": ["x"]}}, ["x"]),
        ({"type": "array", "default": ["y"], "items": {"examples": ["x"]}}, ["y"]),
        ({"type": "array", "items": {"type": "string"}}, None),
        ({"type": "string"}, None),
    ],
)
def test_an_example_is_the_model_s_own_or_follows_from_the_schema(
    schema: Schema, example: Any
) -> None:
    assert example_of(schema) == example
