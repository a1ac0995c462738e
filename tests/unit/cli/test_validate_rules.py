"""CEL rules are evaluated offline as the API server evaluates them."""

from collections.abc import Iterator
from typing import Any

import cel
import pytest

from kapsa.cli.validation.check import find_problems
from kapsa.cli.validation.rules import FUNCTIONS, find_broken_rules
from kapsa.cli.validation.schemas import MODELS, as_stored, schema_of
from kapsa.cli.validation.structure import find_misfits

# Operators, and what every implementation of CEL has.
STANDARD = {"startsWith", "endsWith", "contains", "matches", "size", "type", "has"}


def rules_of(schema: Any) -> Iterator[str]:
    """Yield each CEL rule that is anywhere in a schema."""
    if isinstance(schema, dict):
        for rule in schema.get("x-kubernetes-validations", ()):
            yield rule["rule"]
        for value in schema.values():
            yield from rules_of(value)


ALL_RULES = sorted({rule for kind in MODELS for rule in rules_of(schema_of(kind))})


@pytest.mark.parametrize("rule", ALL_RULES)
def test_every_rule_uses_only_functions_that_are_known_offline(rule: str) -> None:
    named = {name for name in cel.compile(rule).functions() if name.isidentifier()}
    used = {name for name in named if not name.startswith("_")}

    assert used <= STANDARD | set(FUNCTIONS)


def schema(rule: str, message: str = "no", **more: Any) -> dict[str, Any]:
    return {"x-kubernetes-validations": [{"rule": rule, "message": message}], **more}


@pytest.mark.parametrize(
    ("rule", "value", "broken"),
    [
        ("self.a > 1", {"a": 2}, False),
        ("self.a > 1", {"a": 1}, True),
        ("has(self.a)", {}, True),
        ("self.a.b == 1", {}, True),
        ("self.find('^[a-z]+') == 'ab'", "ab1", False),
        ("self.find('^[a-z]+') == ''", "1ab", False),
        ("self.size()", "three", True),
        ("self == oldSelf", "anything", False),
    ],
)
def test_a_rule_is_kept_broken_or_left_to_the_api_server(
    rule: str, value: Any, broken: bool
) -> None:
    found = find_broken_rules(schema(rule), value)

    assert [problem.message for problem in found] == (["no"] if broken else [])


def test_rules_are_found_in_fields_items_and_maps() -> None:
    text = schema("self != 'x'")
    whole = schema(
        "false",
        "whole",
        properties={
            "list": {"items": {"properties": {"name": text}}},
            "map": {"additionalProperties": text},
        },
    )
    value = {"list": [{"name": "a"}, {"name": "x"}], "map": {"k/x": "x"}, "unknown": "x"}

    assert [(each.path, each.message) for each in find_broken_rules(whole, value)] == [
        ("", "whole"),
        ("list[1].name", "no"),
        ("map[k/x]", "no"),
    ]


@pytest.mark.parametrize(
    ("broken", "evaluated"),
    [
        ([], ["", "a", "a.b"]),
        (["a.b"], []),
        (["a.b.c"], []),
        (["a.c"], ["a.b"]),
        (["a.bc"], ["a.b"]),
        (["d"], ["a", "a.b"]),
    ],
)
def test_a_rule_over_what_has_not_the_right_type_is_left_out(
    broken: list[str], evaluated: list[str]
) -> None:
    inner = schema("false", properties={"b": schema("false")})
    whole = schema("false", properties={"a": inner})

    found = find_broken_rules(whole, {"a": {"b": 1}}, broken)

    assert [problem.path for problem in found] == evaluated


def test_a_value_that_is_there_twice_or_unknown_hides_no_rule() -> None:
    found = find_problems(
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "Project",
            "metadata": {"name": "Shop"},
            "spec": {
                "repository": {"url": "https://git.example.com/a"},
                "build": {"image": "ghcr.io/acme/shop:{sha}"},
                "environment": [],
                "environments": [{"name": "a", "branch": "b"}, {"name": "a"}],
            },
        }
    )

    assert [problem.path for problem in found] == [
        "metadata.name",
        "spec.environments[1]",
        "spec.environment",
        "",
        "spec.environments[1]",
    ]


def test_rules_see_defaults_and_no_nulls() -> None:
    pool = {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": "apps"},
        "spec": {
            "baseDomains": ["apps.example.com"],
            "naming": None,
            "routing": {"ingressClassName": "nginx", "gatewayRef": None},
        },
    }

    stored = as_stored(schema_of("DomainPool"), pool)

    assert stored["spec"]["routing"] == {"kind": "Ingress", "ingressClassName": "nginx"}
    assert stored["spec"]["naming"] == "flat"
    assert pool["spec"]["routing"] == {"ingressClassName": "nginx", "gatewayRef": None}  # type: ignore[index]
    assert find_problems(pool) == []


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^[a-z]+$", "ab", True),
        ("^[a-z]+$", "ab\n", False),
        ("^a|b$", "xb", True),
        ("[a-z]+", "1ab1", True),
        (r"a\$", "a$b", True),
        (r"^/[^\s#]*$", "/a\u00a0b", True),
    ],
)
def test_a_pattern_matches_as_in_the_api_server(pattern: str, text: str, fits: bool) -> None:
    assert (not find_misfits({"pattern": pattern}, text).problems) == fits
