"""Structural schemas, as a CustomResourceDefinition needs them, made from pydantic models.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema: TypeAlias = dict[str, Any]

_KEYWORDS: Final = (
    "description",
    "type",
    "anyOf",
    "x-kubernetes-int-or-string",
    "enum",
    "format",
    "default",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "patternErrorMessage",
    "examples",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "x-kubernetes-validations",
)
"""Every keyword that a schema may have, in the order in which it is written."""

_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object")
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]


class SchemaError(ValueError):
    """A model says something that a structural schema can't; the message names the field."""


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, without nulls and titles and with the CEL rules of each model."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # The API server drops nulls on its way in, so `X | None` is an optional X.
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        result = super().model_schema(schema)
        rules = getattr(schema["cls"], "rules", ())
        if rules:
            result["x-kubernetes-validations"] = [
                {"rule": rule.rule, "message": rule.message} for rule in rules
            ]
        return result


def structural_schema(model: type[BaseModel], path: str) -> Schema:
    """Return the structural schema of `model`, which error messages call `path`.

    A default is kept where the model, written back, would hold the same value: no null, nothing
    empty, and no object with fields of its own, whose defaults stand at its fields.

    Raises:
        SchemaError: A field is unbounded, a union, recursive, or otherwise not structural.
    """
    raw = _raw_schema(model)
    return _convert(raw, path, raw.get("$defs", {}))


def kind_schema(model: type[BaseModel]) -> Schema:
    """Return the `openAPIV3Schema` of a kind; the API server itself knows what metadata is.

    Raises:
        SchemaError: As for `structural_schema`.
    """
    raw = _raw_schema(model)
    del raw["properties"]["metadata"]
    raw["required"] = [name for name in raw.get("required", ()) if name != "metadata"]
    schema = _convert(raw, model.__name__, raw.get("$defs", {}))
    schema["properties"] = {"metadata": {"type": "object"}, **schema["properties"]}
    return schema


def _raw_schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)


def _convert(
    node: Schema, path: str, definitions: Mapping[str, Schema], within: tuple[str, ...] = ()
) -> Schema:
    """Return `node` as a structural schema, with all that is below it."""
    node, within = _inline(node, path, definitions, within)
    node = _spelled_for_openapi(node)
    _refuse_foreign(node, path)
    _refuse_unbounded(node, path)
    if "properties" in node:
        node["properties"] = {
            name: _convert(field, f"{path}.{name}", definitions, within)
            for name, field in node["properties"].items()
        }
    for keyword, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if keyword in node:
            node[keyword] = _convert(node[keyword], path + suffix, definitions, within)
    _check_map_keys(node, path)
    return {keyword: node[keyword] for keyword in _KEYWORDS if keyword in node}


def _inline(
    node: Schema, path: str, definitions: Mapping[str, Schema], within: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """Return `node` with its `$ref` replaced by what it points at, and the models it is in."""
    while "$ref" in node:
        name = node["$ref"].removeprefix("#/$defs/")
        if name in within:
            raise SchemaError(f"{path}: {name} contains itself; a structural schema can't")
        within = (*within, name)
        beside = {keyword: value for keyword, value in node.items() if keyword != "$ref"}
        node = {**definitions[name], **beside}
    return node, within


def _spelled_for_openapi(node: Schema) -> Schema:
    """Return `node` in the spelling of OpenAPI 3.0, without what means nothing there."""
    node = {keyword: value for keyword, value in node.items() if keyword not in {"$defs", "title"}}
    if "const" in node:
        node["enum"] = [node.pop("const")]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in node:
            node[bound], node[exclusive] = node[exclusive], True
    if "description" in node:
        node["description"] = _folded(node["description"])
    if node.get("x-kubernetes-int-or-string"):
        node.pop("type", None)
    if "properties" in node or node.get("default") in (None, "", [], {}):
        node.pop("default", None)
    if not node.get("required"):
        node.pop("required", None)
    return node


def _folded(text: str) -> str:
    """Return a docstring on one line, without its `Source:` paragraphs, which are for us."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return " ".join(p for p in paragraphs if p and not p.startswith("Source:"))


def _refuse_foreign(node: Schema, path: str) -> None:
    """Refuse what a structural schema, or this generator, does not know.

    Raises:
        SchemaError: `node` holds such a thing.
    """
    int_or_string = node.get("x-kubernetes-int-or-string", False)
    union = "oneOf" in node or "anyOf" in node
    if union and not (int_or_string and node.get("anyOf") == _INT_OR_STRING):
        raise SchemaError(f"{path}: is a union; a structural schema has one type per field")
    if not int_or_string and node.get("type") not in _TYPES:
        raise SchemaError(f"{path}: has the type {node.get('type', 'of anything')!r}")
    unknown = sorted(set(node) - set(_KEYWORDS))
    if unknown:
        raise SchemaError(f"{path}: has {', '.join(unknown)}, which a structural schema has not")
    if node.get("format", "date-time") != "date-time":
        raise SchemaError(f"{path}: has the format {node['format']!r}; only date-time is known")
    if "properties" in node and "additionalProperties" in node:
        raise SchemaError(f"{path}: has both properties and additionalProperties")
    if not isinstance(node.get("additionalProperties", {}), dict):
        raise SchemaError(f"{path}: is a map of anything; say what its values are")
    if node.get("type") == "array" and "items" not in node:
        raise SchemaError(f"{path}: is a list of anything; say what its items are")


def _refuse_unbounded(node: Schema, path: str) -> None:
    """Refuse a string, list or map that may have any size: CEL's cost is reckoned from bounds.

    Raises:
        SchemaError: `node` is one.
    """
    kind = "string" if node.get("x-kubernetes-int-or-string") else node["type"]
    if kind == "string" and not ({"maxLength", "enum", "format"} & set(node)):
        raise SchemaError(f"{path}: is a string without a bound; give it a max_length")
    if kind == "array" and "maxItems" not in node:
        raise SchemaError(f"{path}: is a list without a bound; give it a max_length")
    if kind == "object" and "properties" not in node and "maxProperties" not in node:
        raise SchemaError(f"{path}: is a map without a bound; give it a max_length")


def _check_map_keys(node: Schema, path: str) -> None:
    """Refuse a list whose items might lack the keys that tell them apart.

    Raises:
        SchemaError: A key is neither required nor has a default.
    """
    for key in node.get("x-kubernetes-list-map-keys", ()):
        item = node["items"]
        field = item.get("properties", {}).get(key, {})
        if key not in item.get("required", ()) and "default" not in field:
            raise SchemaError(f"{path}: its key {key!r} is neither required nor has a default")
