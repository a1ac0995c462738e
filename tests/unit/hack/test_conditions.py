"""The page of conditions and reasons says all that the code can say."""

import re

import pytest

from hack.conditions import conditions_page
from hack.crd import definition_of
from hack.generate import ROOT
from kapsa.models import KINDS
from kapsa.models.conditions import ConditionType, Polarity
from kapsa.models.reasons import Reason
from kapsa.models.tone import Tone

SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "src" / "kapsa").rglob("*.py")
    if path.parent.name != "models"
}
LINES = conditions_page().splitlines()


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_is_explained_with_its_tone(reason: Reason) -> None:
    assert f"| `{reason}` | {reason.tone} | {reason.explanation} |" in LINES


@pytest.mark.parametrize("item", ConditionType, ids=str)
def test_a_type_of_condition_is_explained_with_its_kinds_and_polarity(item: ConditionType) -> None:
    kinds = {definition_of(model).kind for model in KINDS}

    assert f"| `{item}` | {', '.join(item.kinds)} | {item.polarity} | {item.explanation} |" in LINES
    assert set(item.kinds) <= kinds
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", item)
    assert item.name == words.upper()


@pytest.mark.parametrize("item", ConditionType, ids=str)
def test_a_type_of_condition_is_reported_somewhere(item: ConditionType) -> None:
    named = re.compile(rf"\bConditionType\.{item.name}\b")

    assert [path for path, text in SOURCES.items() if named.search(text)]


def test_no_condition_is_named_by_a_string_of_its_own() -> None:
    own = re.compile(rf"^_?[A-Z_]+(: Final)? = \"({'|'.join(ConditionType)})\"$", re.MULTILINE)

    assert [path for path, text in SOURCES.items() if own.search(text)] == []


def test_what_is_said_of_a_normal_condition_that_holds_is_good() -> None:
    said = re.compile(r"\bfound\(\s*ConditionType\.([A-Z_]+),\s*Reason\.([A-Z_]+)")
    pairs = {pair for text in SOURCES.values() for pair in said.findall(text)}
    normal = {
        (type_, reason)
        for type_, reason in pairs
        if ConditionType[type_].polarity is Polarity.NORMAL_TRUE
    }

    assert normal
    assert {pair for pair in normal if Reason[pair[1]].tone is not Tone.GOOD} == set()


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_the_tone_fits_the_word(reason: Reason) -> None:
    if reason.endswith(("Pending", "Progressing", "Terminating", "NotRead")):
        assert reason.tone is Tone.IN_PROGRESS
    if reason.endswith(("NotFound", "Invalid", "Conflict", "Unreachable", "Refused")):
        assert reason.tone in {Tone.BAD, Tone.IN_PROGRESS}
