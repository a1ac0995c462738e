"""Generated files: current, bounded, and the same on every run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack import generate
from hack.crd import build_crd, definition_of
from kapsa.models import KINDS
from kapsa.models.meta import Condition

CRDS = {definition_of(model).kind: build_crd(model) for model in KINDS}
NODES: list[tuple[str, dict[str, Any]]] = []


def walk(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema at and below `node`, with its path."""
    yield path, node
    for name, field in node.get("properties", {}).items():
        yield from walk(f"{path}.{name}", field)
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            yield from walk(f"{path}.{keyword}", node[keyword])


for kind, crd in CRDS.items():
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    NODES += [item for item in walk(kind, root) if item[0] != f"{kind}.metadata"]


def test_generated_files_are_current() -> None:
    assert generate.find_stale() == []


def test_generating_twice_gives_the_same_bytes() -> None:
    assert generate.render() == generate.render()


@pytest.mark.parametrize("path", generate.render(), ids=str)
def test_a_generated_file_says_so_and_ends_with_one_line_feed(path: Path) -> None:
    text = generate.render()[path]

    assert [line for line in text.splitlines()[:2] if generate.HEADER in line]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not [line for line in text.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("kind", CRDS)
def test_the_yaml_means_the_definition_and_is_small(kind: str) -> None:
    text = generate.render()[Path("crds", CRDS[kind]["spec"]["names"]["plural"] + ".yaml")]

    assert yaml.safe_load(text) == CRDS[kind]
    assert len(text.encode()) < 200 * 1024
    assert "$ref" not in text


@pytest.mark.parametrize(("path", "node"), NODES, ids=[path for path, _ in NODES])
def test_every_field_is_bounded_and_structural(path: str, node: dict[str, Any]) -> None:
    if node.get("x-kubernetes-int-or-string"):
        assert "type" not in node
        assert "maxLength" in node
    elif node["type"] == "string":
        assert {"maxLength", "enum", "format"} & set(node)
    elif node["type"] == "array":
        assert {"maxItems", "items", "x-kubernetes-list-type"} <= set(node)
    elif node["type"] == "object":
        assert ("properties" in node) != ("additionalProperties" in node)
        assert "properties" in node or "maxProperties" in node
    assert not {"$ref", "title", "const", "$defs"} & set(node)
    assert node.get("default", "something") not in (None, "", [], {})


@pytest.mark.parametrize(("path", "node"), NODES, ids=[path for path, _ in NODES])
def test_every_field_is_described(path: str, node: dict[str, Any]) -> None:
    if not path.endswith((".items", ".additionalProperties", ".spec", ".status")):
        assert node["description"].endswith(".")


@pytest.mark.parametrize("kind", CRDS)
def test_a_definition_is_registered_as_its_kind_says(kind: str) -> None:
    spec = CRDS[kind]["spec"]
    version = spec["versions"][0]
    names = spec["names"]

    assert CRDS[kind]["metadata"]["name"] == f"{names['plural']}.kapsa-project.io"
    assert (spec["group"], version["name"]) == ("kapsa-project.io", "v1alpha1")
    assert (version["served"], version["storage"]) == (True, True)
    assert version["subresources"] == {"status": {}}
    assert names["kind"] == kind
    assert names["categories"] == ["kapsa"]
    assert version["schema"]["openAPIV3Schema"]["properties"]["metadata"] == {"type": "object"}


@pytest.mark.parametrize("kind", CRDS)
def test_columns_and_selectable_fields_name_fields_that_exist(kind: str) -> None:
    version = CRDS[kind]["spec"]["versions"][0]
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    paths += [field["jsonPath"] for field in version.get("selectableFields", ())]
    known = {path for path, _ in NODES}

    for path in paths:
        plain = path.partition("[?")[0]
        assert plain == ".metadata.creationTimestamp" or f"{kind}{plain}" in known


def test_names_are_distinct_between_kinds() -> None:
    names = [crd["spec"]["names"] for crd in CRDS.values()]
    words = [word for n in names for word in (n["plural"], n["singular"], *n["shortNames"])]

    assert len(words) == len(set(words))


def test_rules_stand_beside_what_they_are_about() -> None:
    ruled = {
        path: node["x-kubernetes-validations"]
        for path, node in NODES
        if "x-kubernetes-validations" in node
    }

    assert "self.metadata.name" in ruled["Project"][0]["rule"]
    assert "oldSelf.isolation" in ruled["Project.spec"][0]["rule"]
    assert "self.apiURL" in ruled["Project.spec.repository"][0]["rule"]
    assert "Project.spec.environments.items.runtime.env.items" in ruled
    assert "oldSelf.spec.projectRef" in ruled["Environment"][1]["rule"]


def test_the_reference_page_links_only_to_its_own_headings() -> None:
    page = generate.render()[Path("docs/reference/project.md")]

    assert "| `maxActive` | integer | `20` | 0 to 500 | `20` |" in page
    assert "object, as [spec.runtime](#specruntime)" in page
    for anchor in {part.partition(")")[0] for part in page.split("](#")[1:]}:
        headings = [line for line in page.splitlines() if line.startswith("## ")]
        assert anchor in [h[3:].lower().replace(".", "").replace("[]", "") for h in headings]


def test_a_value_is_not_a_kind() -> None:
    with pytest.raises(TypeError, match="Condition has no definition"):
        definition_of(Condition)


class TestCommand:
    """`python -m hack.generate`, on a directory of its own."""

    @pytest.fixture(autouse=True)
    def _root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("find_stale", "write"):
            function = getattr(generate, name)
            monkeypatch.setattr(generate, name, lambda function=function: function(tmp_path))

    def test_check_names_missing_files_and_writes_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert generate.main(["--check"]) == 1

        output = capsys.readouterr()
        assert "crds/projects.yaml is stale" in output.err
        assert len(output.err.splitlines()) == len(generate.render())
        assert output.out == ""
        assert list(tmp_path.iterdir()) == []

    def test_what_was_written_is_current(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert generate.main([]) == 0
        assert generate.main(["--check"]) == 0
        assert capsys.readouterr().err == ""

    def test_an_edited_file_is_stale_and_mended(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        generate.main([])
        edited = tmp_path / "crds" / "projects.yaml"
        text = edited.read_bytes()
        edited.write_bytes(text.replace(b"\n", b"\r\n"))

        assert generate.main(["--check"]) == 1
        assert capsys.readouterr().err == "crds/projects.yaml is stale: run `make generate`\n"
        assert generate.main([]) == 0
        assert edited.read_bytes() == text

    def test_the_file_of_a_kind_that_is_gone_is_removed_and_others_are_left(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        generate.main([])
        gone, foreign = tmp_path / "crds" / "olds.yaml", tmp_path / "docs" / "reference" / "cli.md"
        gone.write_text(f"# {generate.HEADER}\n")
        foreign.write_text("# By hand\n")

        assert generate.main(["--check"]) == 1
        assert capsys.readouterr().err.startswith("crds/olds.yaml is stale")
        generate.main([])
        assert not gone.exists()
        assert foreign.exists()
