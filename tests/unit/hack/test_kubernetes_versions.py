"""The CRDs use only what Kubernetes 1.30 knows."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hack.crd import build_crd, definition_of
from kapsa.models import KINDS

CRDS = {definition_of(model).kind: build_crd(model) for model in KINDS}

VERSION_KEYS = {
    "name", "served", "storage", "subresources", "additionalPrinterColumns", "schema",
}  # fmt: skip
FROM_1_31 = {"selectableFields"}
"""Older API servers drop it; nothing but people's own selectors needs it."""

SCHEMA_KEYWORDS = {
    "description", "type", "format", "enum", "default", "anyOf", "properties", "required", "items",
    "additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "minProperties",
    "maxProperties", "x-kubernetes-int-or-string", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-validations",
}  # fmt: skip
"""Of apiextensions.k8s.io/v1 as it is in 1.30, what a structural schema of ours may have."""

CEL_FUNCTIONS = {
    # the language and its macros
    "has", "all", "exists", "exists_one", "map", "filter", "size", "type", "int", "string",
    "matches", "startsWith", "endsWith", "contains",
    # Kubernetes' own libraries of lists, regular expressions, URLs and quantities
    "find", "findAll", "isSorted", "sum", "min", "max", "indexOf", "lastIndexOf",
    "url", "isURL", "getScheme", "getHost", "getHostname", "getPort", "getEscapedPath",
    "quantity", "isQuantity", "isGreaterThan", "isLessThan", "compareTo",
    # the extended strings library
    "lowerAscii", "upperAscii", "replace", "split", "substring", "trim", "join", "charAt",
}  # fmt: skip
"""What a rule may call there.

Source: https://v1-30.docs.kubernetes.io/docs/reference/using-api/cel/
"""


def schemas_in(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every schema at and below `node`."""
    yield node
    for field in node.get("properties", {}).values():
        yield from schemas_in(field)
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            yield from schemas_in(node[keyword])


def functions_in(rule: str) -> set[str]:
    """Return the functions and macros that a CEL rule calls."""
    without_strings = re.sub(r"r?'(\\.|[^'\\])*'", "''", rule)
    return set(re.findall(r"\b([A-Za-z_]+)\(", without_strings))


@pytest.mark.parametrize("kind", CRDS)
def test_a_definition_has_only_keywords_of_kubernetes_1_30(kind: str) -> None:
    (version,) = CRDS[kind]["spec"]["versions"]
    keywords: set[str] = set()
    for schema in schemas_in(version["schema"]["openAPIV3Schema"]):
        keywords |= set(schema)

    assert set(version) - VERSION_KEYS <= FROM_1_31
    assert keywords - SCHEMA_KEYWORDS == set()


@pytest.mark.parametrize("kind", CRDS)
def test_a_rule_calls_only_functions_of_kubernetes_1_30(kind: str) -> None:
    (version,) = CRDS[kind]["spec"]["versions"]
    rules = [
        rule
        for schema in schemas_in(version["schema"]["openAPIV3Schema"])
        for rule in schema.get("x-kubernetes-validations", ())
    ]
    called = {function for rule in rules for function in functions_in(rule["rule"])}

    assert "matches" in called
    assert called - CEL_FUNCTIONS == set()
    assert {key for rule in rules for key in rule} == {"rule", "message"}


@pytest.mark.parametrize(
    ("rule", "functions"),
    [
        ("!has(self.a) || self.a.matches(r'^(x|y)$')", {"has", "matches"}),
        ("self.b.all(c, c.size() > 0)", {"all", "size"}),
        ("format.named('dns1123Label()')", {"named"}),
    ],
)
def test_what_a_rule_calls_is_found_outside_its_strings(rule: str, functions: set[str]) -> None:
    assert functions_in(rule) == functions
