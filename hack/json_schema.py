"""JSON Schemas of the kinds, for editors and for checks without a cluster.

Source: https://json-schema.org/draft/2020-12/json-schema-core
"""

import json
from typing import Any, Final

from pydantic import BaseModel

from hack.crd import definition_of
from hack.schema import Schema, kind_schema
from kapsa.models import API_VERSION, GROUP, KINDS, VERSION

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_METADATA: Final[Schema] = {
    "description": "Name, namespace, labels and annotations, as of every object of Kubernetes.",
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 253}},
}


def schema_id(name: str) -> str:
    """Return the `$id` of the schema in the file `<name>.json`: a name, not an address."""
    return f"https://{GROUP}/{VERSION}/{name}.json"


def kind_json_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of an object of a kind, as somebody writes it or `kubectl get` prints it.

    Of what the API server checks, only the CEL rules are beyond it; they stand in it as
    `x-kubernetes-validations`.

    Raises:
        SchemaError: The model is not structural; the message names the field.
    """
    kind = definition_of(model)
    object_schema = kind_schema(model)
    fields = {
        name: _strict(field)
        for name, field in object_schema["properties"].items()
        if name != "metadata"
    }
    return {
        "$schema": DIALECT,
        "$id": schema_id(kind.kind.lower()),
        "title": kind.kind,
        **object_schema,
        "required": ["apiVersion", "kind", "metadata", *object_schema.get("required", ())],
        "properties": {
            "apiVersion": {"description": "The API of Kapsa.", "const": API_VERSION},
            "kind": {"description": "What it is.", "const": kind.kind},
            "metadata": _METADATA,
            **fields,
        },
        "additionalProperties": False,
    }


def any_kind_json_schema() -> Schema:
    """Return the schema of an object of any kind.

    Objects of other groups pass, so that they may stand beside Kapsa's in one file.

    Raises:
        SchemaError: As for `kind_json_schema`.
    """
    schemas = [kind_json_schema(model) for model in KINDS]
    ours = {"required": ["apiVersion"], "properties": {"apiVersion": {"pattern": f"^{GROUP}/"}}}
    return {
        "$schema": DIALECT,
        "$id": schema_id("kapsa"),
        "title": "Kapsa",
        "description": "Any object of Kapsa. Objects of other groups are not looked at.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "if": ours,
        "then": {
            "properties": {"kind": {"enum": [schema["title"] for schema in schemas]}},
            "allOf": [_if_of_kind(schema["title"]) for schema in schemas],
        },
        "$defs": {schema["title"]: _without_identity(schema) for schema in schemas},
    }


def to_json(schema: Schema, comment: str) -> str:
    """Return `schema` as JSON in the order given, with a comment as its first member."""
    text = json.dumps({"$comment": comment, **schema}, indent=2, ensure_ascii=False)
    return f"{text}\n"


def _if_of_kind(kind: str) -> Schema:
    return {
        "if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
        "then": {"$ref": f"#/$defs/{kind}"},
    }


def _without_identity(schema: Schema) -> Schema:
    """Return a schema that is part of another: its references are the other's."""
    return {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}


def _strict(schema: Schema) -> Schema:
    """Return a structural schema in the spelling of JSON Schema, and closed.

    A field that nobody knows is pruned by the API server, so it is a mistake.
    """
    strict: dict[str, Any] = dict(schema)
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in strict:
            strict[exclusive] = strict.pop(bound)
    if "properties" in strict:
        strict["properties"] = {name: _strict(node) for name, node in schema["properties"].items()}
        strict["additionalProperties"] = False
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            strict[keyword] = _strict(schema[keyword])
    return strict
