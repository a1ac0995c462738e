"""The documentation: links lead somewhere, and what it names exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from hack import generate
from kapsa import metrics
from kapsa.models.reasons import Reason
from lab.cli import cli as lab_cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FOLDERS = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in folder.rglob("*.md"))])
RECORDS = sorted((DOCS / "adr").glob("*.md"))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
# Whichever begins first: what looks like a link inside a span of code is none.
_LINK_OR_CODE = re.compile(r"\[((?:`[^`]+`|[^\]`])+)\]\(([^)\s]+)\)|`[^`]+`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose_of(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links_of(page: Path) -> list[tuple[str, str]]:
    """Return text and target of each link that stays in the repository."""
    found = _LINK_OR_CODE.findall(prose_of(page))
    return [(text, target) for text, target in found if target and "://" not in target]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in _HEADING.findall(prose_of(page)):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        repeated = found.count(anchor)
        found.append(f"{anchor}-{repeated}" if repeated else anchor)
    return set(found)


def code_of(page: Path) -> Iterator[str]:
    """Yield each piece of code: spans, and lines of blocks."""
    text = page.read_text(encoding="utf-8")
    yield from _CODE.findall(_FENCE.sub("", text))
    for _, block in _FENCE.findall(text):
        yield from block.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for _, target in links_of(page):
        path, _, anchor = target.partition("#")
        where = (page.parent / path).resolve() if path else page
        if not where.exists() or (anchor and anchor not in anchors_of(where)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_names_that_link_to_code_are_defined_there(page: Path) -> None:
    missing = []
    for text, target in links_of(page):
        name = text.strip("`")
        if text == name or not target.endswith(".py") or "/" in name:
            continue
        code = (page.parent / target).resolve().read_text(encoding="utf-8")
        defined = re.compile(r"^\s*(?:async def|def|class)?\s*(\w+)(?:\(|:| =|\[)", re.MULTILINE)
        missing += [part for part in name.split(".") if part not in defined.findall(code)]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    named = [
        word
        for code in code_of(page)
        if (match := re.fullmatch(r"(?:\$ )?make ([^#]+)(?:#.*)?", code))
        for word in match[1].split()
        if "=" not in word
    ]

    assert set(named) <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_the_lab_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert set(re.findall(r"python -m lab ([a-z]+)", text)) <= set(lab_cli.commands)


def test_every_page_is_in_the_index() -> None:
    linked = {(DOCS / target).resolve() for _, target in links_of(DOCS / "README.md")}
    pages = {page for page in DOCS.rglob("*.md") if page.parent.name != "changelog.d"}

    assert sorted(map(name_of, pages - linked)) == ["docs/README.md"]


@pytest.mark.parametrize("record", RECORDS, ids=name_of)
def test_a_decision_is_numbered_complete_and_in_the_index(record: Path) -> None:
    number = RECORDS.index(record) + 1
    text = record.read_text(encoding="utf-8")
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    title = text.splitlines()[0].removeprefix(f"# {number:04}. ")

    assert record.name.startswith(f"{number:04}-")
    assert f"| [{number:04}](adr/{record.name}) | {title} |" in index
    assert re.search(r"^Status: (accepted|replaced by \[)", text, re.MULTILINE)
    assert _HEADING.findall(text)[1:] == ["Context", "Decision", "Consequences"]
    assert any(target.startswith("../../") for _, target in links_of(record))


def test_generated_pages_are_current() -> None:
    assert [path for path in generate.find_stale() if path.parts[0] == "docs"] == []


def test_the_table_of_metrics_is_complete_and_true() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    expected = []
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            described = next(iter(metric.describe()))
            name = described.name + "_total" * (described.type == "counter")
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            cells = (f"`{name}`", described.type, labels, described.documentation)
            expected.append(re.sub(" +", " ", f"| {' | '.join(cells)} |"))

    assert [line for line in page.splitlines() if line.startswith("| `kapsa_")] == expected


def test_reasons_of_the_troubleshooting_table_exist() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Troubleshooting")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [word for cell in first_cells for word in _CODE.findall(cell)]

    assert named
    assert set(named) <= {reason.value for reason in Reason}


def test_the_permissions_script_makes_what_the_rules_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    script = page.partition("<<'END' | kubectl apply -f -\n")[2].partition("\nEND\n")[0]
    monkeypatch.chdir(ROOT)

    exec(script, {})  # the documentation's own

    made = json.loads(capsys.readouterr().out)["items"]
    developer = yaml.safe_load(
        (ROOT / "helm/kapsa/files/developer-role.yaml").read_text(encoding="utf-8")
    )
    roles = {item["metadata"]["name"]: item for item in made if item["kind"] == "ClusterRole"}
    assert roles[developer["name"]]["rules"] == developer["rules"]
    items = {item["kind"]: item for item in made if item is not roles[developer["name"]]}
    rules = yaml.safe_load((ROOT / "helm/kapsa/files/rbac.yaml").read_text(encoding="utf-8"))
    assert items["ClusterRole"]["rules"] == rules["clusterRules"]
    assert items["Role"]["rules"] == rules["namespaceRules"]
    assert items["Role"]["metadata"]["namespace"] == items["Namespace"]["metadata"]["name"]
    for kind in ("ClusterRole", "Role"):
        binding = items[f"{kind}Binding"]
        assert binding["roleRef"]["name"] == items[kind]["metadata"]["name"]
        assert binding["subjects"][0]["name"] == items["ServiceAccount"]["metadata"]["name"]
