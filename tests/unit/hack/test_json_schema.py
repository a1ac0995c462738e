"""Schemas for editors: strict, packaged, and as the API server sees the kinds."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import Field

from hack.generate import ROOT
from hack.json_schema import any_kind_json_schema, kind_json_schema
from kapsa.models import KINDS, Model
from kapsa.models.base import Kind
from kapsa.models.meta import ObjectMeta
from tests.manifests.valid import MINIMAL, full_manifests, manifest_of

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
MODELINE = "# yaml-language-server: $schema="
PROJECT: dict[str, Any] = manifest_of(KINDS[0], MINIMAL[KINDS[0]])
ANY = Draft202012Validator(any_kind_json_schema())
VALID = [
    pytest.param(kind, manifest, id=f"{kind.__name__}-{number}")
    for kind in KINDS
    for number, manifest in enumerate([manifest_of(kind, MINIMAL[kind]), *full_manifests(kind)])
]


def schema_named(name: str) -> dict[str, Any]:
    """Return the schema that is installed with the package."""
    text = files("kapsa").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping at and below `node`."""
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node
    for child in children if isinstance(node, dict | list) else ():
        yield from mappings(child)


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object with fields of its own."""
    for node in mappings(schema):
        if node.get("type") == "object" and isinstance(node.get("properties"), dict):
            yield node


def findings(validator: Draft202012Validator, manifest: Any) -> list[tuple[str, str]]:
    """Return path and keyword of each error, deepest first where one is made of others."""
    errors = validator.iter_errors(manifest)
    leaves = [leaf for error in errors for leaf in (error.context or [error])]
    return sorted((".".join(map(str, leaf.absolute_path)), str(leaf.validator)) for leaf in leaves)


@pytest.mark.parametrize("name", ["kapsa", *(kind.__name__.lower() for kind in KINDS)])
def test_a_packaged_schema_is_one_of_its_draft_with_a_name_and_a_description(name: str) -> None:
    schema = schema_named(name)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]
    assert schema["$id"] == f"https://kapsa-project.io/v1alpha1/{name}.json"
    assert schema["title"].lower() == name
    assert schema["description"].endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_but_metadata_is_closed(kind: type[Model]) -> None:
    schema = kind_json_schema(kind)
    metadata = schema["properties"]["metadata"]

    assert [node for node in objects_in(schema) if "additionalProperties" not in node] == [metadata]
    assert metadata["required"] == ["name"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_keeps_what_the_api_server_checks_and_what_editors_show(kind: type[Model]) -> None:
    text = json.dumps(kind_json_schema(kind))

    for keyword in ("x-kubernetes-list-type", "pattern", "patternErrorMessage", "examples"):
        assert f'"{keyword}"' in text


def test_rules_stand_in_the_schema_where_they_stand_in_the_crd() -> None:
    schema = kind_json_schema(KINDS[0])
    repository = schema["properties"]["spec"]["properties"]["repository"]

    assert "self.metadata.name" in schema["x-kubernetes-validations"][0]["rule"]
    assert "self.apiURL" in repository["x-kubernetes-validations"][0]["rule"]


@pytest.mark.parametrize(("kind", "manifest"), VALID)
def test_a_valid_object_passes_the_schema_of_its_kind_and_that_of_any_kind(
    kind: type[Model], manifest: dict[str, Any]
) -> None:
    assert findings(Draft202012Validator(kind_json_schema(kind)), manifest) == []
    assert findings(ANY, manifest) == []


def test_an_object_as_kubectl_prints_it_passes() -> None:
    printed = PROJECT | {
        "metadata": {"name": "shop", "uid": "1", "managedFields": [], "generation": 3},
        "status": {"observedGeneration": 3, "url": "http://shop.apps.example.com"},
    }

    assert findings(ANY, printed) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"spce": {}}, [("", "additionalProperties")], id="unknown-at-the-root"),
        pytest.param({"metadata": {}}, [("metadata", "required")], id="no-name"),
        pytest.param({"kind": "Projekt"}, [("kind", "enum")], id="unknown-kind"),
        pytest.param(
            {"apiVersion": "kapsa-project.io/v1"}, [("apiVersion", "const")], id="unknown-version"
        ),
        pytest.param(
            {"spec": PROJECT["spec"] | {"domian": {}}},
            [("spec", "additionalProperties")],
            id="unknown-field",
        ),
        pytest.param(
            {"spec": PROJECT["spec"] | {"previewEnvironments": {"ttl": "soon"}}},
            [("spec.previewEnvironments.ttl", "pattern")],
            id="no-duration",
        ),
        pytest.param(
            {"spec": PROJECT["spec"] | {"previewEnvironments": {"ttl": 1.5}}},
            [
                ("spec.previewEnvironments.ttl", "type"),
                ("spec.previewEnvironments.ttl", "type"),
            ],
            id="neither-integer-nor-string",
        ),
        pytest.param(
            {"status": {"previewCount": -1}}, [("status.previewCount", "minimum")], id="in-status"
        ),
    ],
)
def test_a_wrong_object_is_refused_at_its_field(
    change: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert findings(ANY, PROJECT | change) == expected


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"apiVersion": "v1", "kind": "Secret", "stringData": {"token": "x"}}, []),
        ({"apiVersion": "example.com/v1", "kind": "Project", "spec": 7}, []),
        ({"kind": "Project"}, [("", "required")]),
    ],
    ids=["secret", "another-group", "no-group"],
)
def test_objects_of_other_groups_are_not_looked_at(
    manifest: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert findings(ANY, manifest) == expected


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_schema_that_an_example_names_accepts_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = text.splitlines()[0].removeprefix(MODELINE)
    schema = json.loads((path.parent / named).read_text(encoding="utf-8"))

    for document in yaml.safe_load_all(text):
        assert findings(Draft202012Validator(schema), document) == []


@pytest.mark.parametrize("name", ["kapsa", *(kind.__name__.lower() for kind in KINDS)])
def test_a_schema_refers_to_nothing_outside_itself_so_it_serves_from_any_address(name: str) -> None:
    nodes = list(mappings(schema_named(name)))

    assert {node["$ref"].partition("/")[0] for node in nodes if "$ref" in node} <= {"#"}
    assert sum("$id" in node for node in nodes) == 1


def test_exclusive_bounds_are_numbers_as_in_json_schema() -> None:
    class Thing(Model):
        definition: ClassVar = Kind("Thing", "things", (), "Cluster", ())

        metadata: ObjectMeta
        share: Annotated[int, Field(gt=0, lt=9)] = 1
        """How much."""

    share = kind_json_schema(Thing)["properties"]["share"]

    assert (share["exclusiveMinimum"], share["exclusiveMaximum"]) == (0, 9)
    assert not {"minimum", "maximum"} & set(share)
