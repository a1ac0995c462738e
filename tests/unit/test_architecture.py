"""The tree states the design; these tests prove it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kapsa.models.reasons import Reason

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
REASONS = ROOT / "src/kapsa/models/reasons.py"
MOST_LINES = 350

each_source = pytest.mark.parametrize(
    "source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src"))
)


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


@each_source
def test_every_module_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))


@each_source
def test_no_file_holds_two_ideas(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_every_reason_is_one_explained_word(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", reason)
    assert reason.name == re.sub(r"(?<!^)(?=[A-Z])", "_", reason).upper()
    assert re.fullmatch(r"[A-Z`].*\.", reason.explanation)


def test_every_reason_is_given_somewhere() -> None:
    elsewhere = [path for path in SOURCES if path != REASONS]
    used = {
        name
        for path in elsewhere
        for name in re.findall(r"\bReason\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }

    assert {reason.name for reason in Reason} <= used
    assert used <= {reason.name for reason in Reason}


def test_no_two_reasons_say_the_same() -> None:
    explanations = [reason.explanation for reason in Reason]

    assert len(set(explanations)) == len(explanations)
