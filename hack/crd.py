"""CustomResourceDefinitions of the kinds, as YAML."""

from typing import Any, Final

import yaml
from pydantic import BaseModel

from hack.schema import Schema, kind_schema
from kapsa.models import GROUP, VERSION
from kapsa.models.base import Column, Kind

CATEGORY: Final = "kapsa"
"""`kubectl get kapsa` lists every kind."""

_FOR_PEOPLE: Final = ("patternErrorMessage", "examples")
"""Keywords that editors and the reference pages understand, and the API server doesn't."""


class _Dumper(yaml.SafeDumper):
    """Writes each value out in full: two fields of one type are not anchor and alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def definition_of(model: type[BaseModel]) -> Kind:
    """Return how the kind is registered.

    Raises:
        TypeError: `model` is not one of the kinds.
    """
    definition = getattr(model, "definition", None)
    if not isinstance(definition, Kind):
        raise TypeError(f"{model.__name__} has no definition: it is a value, not a kind")
    return definition


def build_crd(model: type[BaseModel]) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind.

    Raises:
        SchemaError: The model is not structural; the message names the field.
    """
    kind = definition_of(model)
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_build_column(column) for column in kind.columns],
    }
    if kind.selectable_fields:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable_fields]
    version["schema"] = {"openAPIV3Schema": _served(kind_schema(model))}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": kind.scope,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": list(kind.short_names),
                "categories": [CATEGORY],
            },
            "versions": [version],
        },
    }


def to_yaml(value: dict[str, Any]) -> str:
    """Return `value` as YAML in the order given; equal values give equal bytes."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _build_column(column: Column) -> dict[str, Any]:
    """Return a printer column without what the API server would assume anyway."""
    built: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    if column.priority:
        built["priority"] = column.priority
    if column.description:
        built["description"] = column.description
    return built


def _served(schema: Schema) -> Schema:
    """Return `schema` as the API server takes it: a pattern with a message becomes a CEL rule.

    The API server says of a broken pattern only that it is broken.
    """
    served = {key: value for key, value in schema.items() if key not in _FOR_PEOPLE}
    if "properties" in served:
        served["properties"] = {name: _served(node) for name, node in served["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if keyword in served:
            served[keyword] = _served(served[keyword])
    if message := schema.get("patternErrorMessage"):
        matches = f"self.matches(r'{served.pop('pattern')}')"
        if served.get("x-kubernetes-int-or-string"):
            matches = f"type(self) == int || {matches}"
            if "description" in served:
                # `kubectl explain` knows no type for it.
                served["description"] += f" It {message}."
        served["x-kubernetes-validations"] = [
            {"rule": matches, "message": message},
            *served.get("x-kubernetes-validations", ()),
        ]
    return served
