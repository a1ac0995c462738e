"""The files of examples/: valid, plannable, and named by their page."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from kapsa.cli import make_cli

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
ADMIN = str(EXAMPLES / "admin.yaml")
PROJECTS = [path for path in FILES if "kind: Project" in path.read_text(encoding="utf-8")]
MAIN, TOPIC = "1" * 40, "2" * 40
REFS = f"""\
{MAIN}\tHEAD
{MAIN}\trefs/heads/main
{MAIN}\trefs/tags/v1.2.0
{TOPIC}\trefs/heads/topic
{TOPIC}\trefs/heads/preview/new
{TOPIC}\trefs/pull/7/head
"""


def kapsa(*arguments: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(make_cli(lambda: None), arguments)


def test_all_of_them_together_are_valid() -> None:
    result = kapsa("validate", "--strict", str(EXAMPLES))

    assert result.exit_code == 0, result.output


def test_the_page_of_the_examples_names_each_of_them() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert [path.name for path in FILES if f"[{path.name}]({path.name})" not in page] == []


@pytest.mark.parametrize("file", PROJECTS, ids=lambda path: path.name)
def test_a_project_of_the_examples_becomes_environments(file: Path, tmp_path: Path) -> None:
    (tmp_path / "refs.txt").write_text(REFS)
    kinds = [item["kind"] for item in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    pool = () if "DomainPool" in kinds else ("-f", ADMIN)

    result = kapsa("plan", "-f", str(file), *pool, "--refs", str(tmp_path / "refs.txt"))

    assert result.exit_code == 0, result.output
    assert "create" in result.stdout
