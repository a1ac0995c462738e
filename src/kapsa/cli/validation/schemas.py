"""The schemas of the kinds, as `hack.generate` made them from the models, and their defaults."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

from kapsa.models import KINDS, Model
from kapsa.models.base import DnsLabel, ObjectName
from kapsa.models.meta import LabelKey, LabelValue

Schema: TypeAlias = dict[str, Any]

MODELS: Final[Mapping[str, type[Model]]] = {
    getattr(model, "definition").kind: model  # noqa: B009 - only the four kinds have one
    for model in KINDS
}
"""The models by the name of their kind."""

_TEXT: Final = {"type": "string"}
_SERVER_SIDE: Final = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")


def _of(annotation: Any) -> Schema:
    return TypeAdapter(annotation).json_schema()


_METADATA: Final[Schema] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": _of(ObjectName),
        "namespace": _of(DnsLabel),
        "generateName": _TEXT,
        "labels": {
            "type": "object",
            "propertyNames": _of(LabelKey),
            "additionalProperties": _of(LabelValue),
        },
        "annotations": {
            "type": "object",
            "propertyNames": _of(LabelKey),
            "additionalProperties": _TEXT,
        },
        "finalizers": {"type": "array", "items": _TEXT},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
        "managedFields": {"type": "array", "items": {"type": "object"}},
        "generation": {"type": "integer"},
        "deletionGracePeriodSeconds": {"type": "integer"},
        "selfLink": _TEXT,
        **dict.fromkeys(_SERVER_SIDE, _TEXT),
    },
}
"""What the API server itself demands of metadata.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
"""


@cache
def schema_of(kind: str) -> Schema:
    """Return the schema of an object of that kind, one of `MODELS`; nobody may change it."""
    path = files("kapsa").joinpath("schemas", f"{kind.lower()}.json")
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    return {**schema, "properties": {**schema["properties"], "metadata": _METADATA}}


def as_stored(schema: Schema, value: Any) -> Any:
    """Return `value` as the API server would store it: without nulls, with defaults.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable
    """
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        others = schema.get("additionalProperties")
        rest = others if isinstance(others, dict) else {}
        said = {key: item for key, item in value.items() if item is not None}
        missing = {
            name: copy.deepcopy(field["default"])
            for name, field in fields.items()
            if "default" in field and name not in said
        }
        return {key: as_stored(fields.get(key, rest), item) for key, item in said.items()} | missing
    if isinstance(value, list):
        return [as_stored(schema.get("items", {}), item) for item in value]
    return value
