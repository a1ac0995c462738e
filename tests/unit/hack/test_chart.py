"""The chart of the CRDs renders to the CRDs."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from hack.chart import chart_template, escaped
from hack.crd import build_crd, definition_of
from hack.generate import ROOT
from kapsa.models import KINDS

CHART = ROOT / "helm" / "kapsa-crds"
CRDS = {definition_of(model).plural: build_crd(model) for model in KINDS}
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def render(template: str, values: dict[str, Any]) -> str:
    """Render the little of Go's template language that the chart uses.

    Helm itself does it in the integration tests.
    """
    crds = values["crds"]
    conditions = {
        "if or .Values.crds.keep .Values.crds.annotations": bool(crds["keep"])
        or bool(crds["annotations"]),
        "if .Values.crds.keep": bool(crds["keep"]),
        "with .Values.crds.annotations": bool(crds["annotations"]),
    }
    lines: list[str] = []
    inside: list[bool] = []
    for line in template.splitlines():
        action = re.fullmatch(r" *\{\{- (.+) \}\}", line)
        if action is None:
            text = line.replace('{{ "{{" }}', "\0")
            assert "{{" not in text
            if all(inside):
                lines.append(text.replace("\0", "{{"))
        elif action[1] == "end":
            inside.pop()
        elif action[1] == "toYaml . | nindent 4":
            if all(inside):
                lines += [
                    f"    {key}: {json.dumps(item)}" for key, item in crds["annotations"].items()
                ]
        else:
            inside.append(conditions[action[1]])
    assert inside == []
    return "\n".join(lines)


@pytest.mark.parametrize("plural", CRDS)
@pytest.mark.parametrize(
    ("values", "annotations"),
    [
        pytest.param({}, {"helm.sh/resource-policy": "keep"}, id="kept-by-default"),
        pytest.param({"keep": False}, None, id="not-kept"),
        pytest.param({"keep": False, "annotations": {"a": "b"}}, {"a": "b"}, id="annotated"),
        pytest.param(
            {"annotations": {"a": "true"}},
            {"helm.sh/resource-policy": "keep", "a": "true"},
            id="kept-and-annotated",
        ),
    ],
)
def test_a_template_renders_to_its_crd_with_the_annotations_asked_for(
    plural: str, values: dict[str, Any], annotations: dict[str, str] | None
) -> None:
    template = (CHART / "templates" / f"{plural}.yaml").read_text(encoding="utf-8")

    rendered = yaml.safe_load(render(template, {"crds": DEFAULTS["crds"] | values}))

    assert rendered["metadata"].pop("annotations", None) == annotations
    assert rendered == CRDS[plural]


def test_braces_in_a_rule_are_text_for_helm() -> None:
    crd = {
        "apiVersion": "v1",
        "kind": "K",
        "metadata": {"name": "n"},
        "spec": {"rule": "self.matches('{{sha}}') && '}}'", "message": "write {{ .Values }}"},
    }
    values = {"crds": {"keep": False, "annotations": {}}}

    assert escaped("{{sha}} {{{") == '{{ "{{" }}sha}} {{ "{{" }}{'
    assert yaml.safe_load(render(chart_template(crd), values)) == crd


def test_there_is_a_template_for_each_kind_and_no_other() -> None:
    assert {path.stem for path in (CHART / "templates").iterdir()} == set(CRDS)


@pytest.mark.parametrize(
    ("values", "valid"),
    [
        (DEFAULTS, True),
        ({}, True),
        ({"global": {"x": 1}}, True),
        ({"crds": {"keep": "no"}}, False),
        ({"crds": {"kept": True}}, False),
        ({"crds": {"annotations": {"a": 1}}}, False),
        ({"crd": {}}, False),
    ],
)
def test_the_schema_of_the_values_refuses_what_the_chart_does_not_know(
    values: dict[str, Any], valid: bool
) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

    assert Draft7Validator(schema).is_valid(values) is valid


def test_the_chart_has_the_version_of_the_package() -> None:
    package = tomllib.loads(Path(ROOT, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert chart["appVersion"] == package["version"]
    # Helm wants Semantic Versioning, where 0.1.0.dev0 is 0.1.0-dev.0.
    assert chart["version"] == re.sub(r"\.?(dev|a|b|rc)(\d+)$", r"-\1.\2", package["version"])
