"""What becomes of the fragments of a model, and what is refused."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field, WithJsonSchema, create_model

from hack.schema import SchemaError, structural_schema
from kapsa.models.base import Duration, Model, Quantity, Rule, map_list

Word = Annotated[str, Field(max_length=5)]


class Inner(Model):
    """An inner
    object.

    Source: https://example.com/
    """

    count: Annotated[int, Field(ge=0)] = 3
    """How
    many."""

    rules: ClassVar = (Rule("self.count < 9", "too many"),)


class Keyed(Model):
    """An item with a key."""

    key: Word = "a"


class Tree(Model):
    """A model that contains itself."""

    children: Annotated[tuple["Tree", ...], Field(max_length=3)] = ()


INNER = {
    "description": "An inner object.",
    "type": "object",
    "properties": {
        "count": {"description": "How many.", "type": "integer", "default": 3, "minimum": 0}
    },
    "x-kubernetes-validations": [{"rule": "self.count < 9", "message": "too many"}],
}
INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
    "maxLength": 32,
}
REQUIRED: Any = ...


def schema_of(annotation: Any, default: Any = REQUIRED) -> dict[str, Any]:
    """Return the schema of a model whose only field, `field`, is annotated so."""
    model: type[Model] = create_model("Thing", __base__=Model, field=(annotation, default))
    return structural_schema(model, "Thing")


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (Word, REQUIRED, {"type": "string", "maxLength": 5}),
        (Word | None, None, {"type": "string", "maxLength": 5}),
        (Annotated[str | None, Field(max_length=5)], None, {"type": "string", "maxLength": 5}),
        (Literal["a"], "a", {"type": "string", "enum": ["a"], "default": "a"}),
        (Literal["a", "b"], "b", {"type": "string", "enum": ["a", "b"], "default": "b"}),
        (Literal["a"] | None, None, {"type": "string", "enum": ["a"]}),
        (bool, False, {"type": "boolean", "default": False}),
        (int, 0, {"type": "integer", "default": 0}),
        (Annotated[int, Field(gt=0, lt=9)], 1, {"type": "integer", "default": 1, "minimum": 0}
         | {"exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True}),
        (Word, "", {"type": "string", "maxLength": 5}),
        (datetime, REQUIRED, {"type": "string", "format": "date-time"}),
        (Annotated[tuple[Word, ...], Field(max_length=2)], ("x",),
         {"type": "array", "default": ["x"], "maxItems": 2}
         | {"items": {"type": "string", "maxLength": 5}}),
        (Annotated[tuple[Word, ...], Field(max_length=2)], (),
         {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 5}}),
        (Annotated[dict[str, Word], Field(max_length=2)], {"a": "b"},
         {"type": "object", "default": {"a": "b"}, "maxProperties": 2}
         | {"additionalProperties": {"type": "string", "maxLength": 5}}),
        (Inner, Inner(), INNER),
        (Inner | None, None, INNER),
        (Annotated[tuple[Inner, ...], Field(max_length=2)], (),
         {"type": "array", "maxItems": 2, "items": INNER}),
    ],
)  # fmt: skip
def test_a_fragment_becomes_structural(
    annotation: Any, default: Any, expected: dict[str, Any]
) -> None:
    schema = schema_of(annotation, default)

    assert schema["properties"]["field"] == expected
    assert schema.get("required", []) == (["field"] if default is REQUIRED else [])


@pytest.mark.parametrize("annotation", [Quantity, Duration, Duration | None])
def test_an_integer_or_string_keeps_its_mark_and_has_no_type(annotation: Any) -> None:
    schema = schema_of(annotation)["properties"]["field"]

    assert INT_OR_STRING.items() <= schema.items()
    assert "type" not in schema


def test_the_description_of_a_field_wins_over_that_of_its_type() -> None:
    schema = schema_of(Annotated[Inner, Field(description="What it is\n  here.")])

    assert schema["properties"]["field"] == {**INNER, "description": "What it is here."}


def test_fields_have_the_names_that_people_write() -> None:
    model: type[Model] = create_model("Thing", __base__=Model, base_domain=(Word, ...))

    assert list(structural_schema(model, "Thing")["properties"]) == ["baseDomain"]


@pytest.mark.parametrize(
    ("annotation", "path", "reason"),
    [
        (Word | int, "Thing.field", "is a union"),
        (Word | Inner | None, "Thing.field", "is a union"),
        (Inner | Keyed, "Thing.field", "is a union"),
        (Annotated[tuple[Word | int, ...], Field(max_length=2)], r"Thing.field\[\]", "is a union"),
        (Annotated[dict[str, Word | int], Field(max_length=2)], r"Thing.field.\*", "is a union"),
        (str, "Thing.field", "is a string without a bound"),
        (str | None, "Thing.field", "is a string without a bound"),
        (tuple[Word, ...], "Thing.field", "is a list without a bound"),
        (dict[str, Word], "Thing.field", "is a map without a bound"),
        (Annotated[tuple[str, ...], Field(max_length=2)], r"Thing.field\[\]", "without a bound"),
        (Annotated[dict[str, str], Field(max_length=2)], r"Thing.field.\*", "without a bound"),
        (Annotated[dict[str, Any], Field(max_length=2)], "Thing.field", "is a map of anything"),
        (Annotated[list[Any], Field(max_length=2)], r"Thing.field\[\]", "of anything"),
        (Any, "Thing.field", "has the type 'of anything'"),
        (None, "Thing.field", "has the type 'null'"),
        (Literal["a", 1], "Thing.field", "has the type 'of anything'"),
        (
            Annotated[str, WithJsonSchema({"anyOf": [{}], "x-kubernetes-int-or-string": True})],
            "Thing.field",
            "is a union",
        ),
        (frozenset[Word], "Thing.field", "has uniqueItems"),
        (tuple[Word, Word], "Thing.field", "has prefixItems"),
        (bytes, "Thing.field", "has the format 'binary'"),
        (Tree, r"Thing.field.children\[\]", "Tree contains itself"),
        (
            Annotated[
                tuple[Inner, ...], Field(max_length=2, json_schema_extra=map_list("count", "no"))
            ],
            "Thing.field",
            "key 'no' is neither required nor has a default",
        ),
    ],
)
def test_what_is_not_structural_is_refused_by_its_path(
    annotation: Any, path: str, reason: str
) -> None:
    with pytest.raises(SchemaError, match=f"^{path}: .*{reason}"):
        schema_of(annotation)


def test_a_refusal_names_a_field_deep_inside() -> None:
    middle: type[Model] = create_model("Middle", __base__=Model, deep_field=(Word | int, ...))

    with pytest.raises(SchemaError, match=r"^Thing\.field\[\]\.deepField: is a union"):
        schema_of(Annotated[tuple[middle, ...], Field(max_length=2)])


def test_properties_beside_additional_properties_are_refused() -> None:
    class Closed(Model, extra="forbid"):
        field: Word

    with pytest.raises(SchemaError, match=r"^Closed: has both properties and additionalProperties"):
        structural_schema(Closed, "Closed")


def test_a_list_may_be_keyed_by_a_field_with_a_default() -> None:
    extra = map_list("key")
    schema = schema_of(Annotated[tuple[Keyed, ...], Field(max_length=2, json_schema_extra=extra)])

    assert schema["properties"]["field"]["x-kubernetes-list-map-keys"] == ["key"]
