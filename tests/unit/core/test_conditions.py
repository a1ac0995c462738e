"""Conditions: what was found, in the standard form."""

import pytest

from kapsa.core.conditions import Blocked, Finding, conditions_of, find, found, missing, progress
from kapsa.models.conditions import ConditionType
from kapsa.models.meta import Condition
from kapsa.models.reasons import Reason
from tests.builders import CREATED, condition

LATER = "2026-01-02T00:00:00Z"
BLOCKED = Blocked(Reason.HOST_TAKEN, "it is taken", stalled=True)


def said(finding: Finding, previous: Condition | None = None) -> Condition:
    """Return the condition for one finding."""
    (result,) = conditions_of([finding], filter(None, [previous]), generation=4, now=LATER)
    return result


@pytest.mark.parametrize(
    ("status", "before", "expected"),
    [
        pytest.param(True, "True", CREATED, id="kept-while-the-status-stays"),
        pytest.param(False, "True", LATER, id="new-when-it-changes"),
        pytest.param(None, "False", LATER, id="new-when-it-is-not-known-any-more"),
        pytest.param(None, "Unknown", CREATED, id="kept-while-it-is-unknown"),
        pytest.param(True, None, LATER, id="new-at-first"),
    ],
)
def test_the_time_of_transition(status: bool | None, before: str | None, expected: str) -> None:
    previous = Condition.model_validate(condition("Ready", before)) if before else None

    result = said(
        Finding(ConditionType.READY, status, Reason.RECONCILING, "another message"), previous
    )

    assert result.last_transition_time == expected
    assert (result.reason, result.message) == ("Reconciling", "another message")
    assert result.observed_generation == 4


def test_the_time_of_another_type_does_not_count() -> None:
    previous = Condition.model_validate(condition("Stalled"))

    assert said(found(ConditionType.READY, Reason.READY), previous).last_transition_time == LATER


def test_conditions_come_in_the_order_of_the_findings_and_others_disappear() -> None:
    previous = [Condition.model_validate(condition(name)) for name in ("Gone", "Stalled", "Ready")]
    findings = [
        found(ConditionType.READY, Reason.READY),
        found(ConditionType.STALLED, Reason.READY),
    ]

    result = conditions_of(findings, previous, generation=1, now=LATER)

    assert [item.type for item in result] == ["Ready", "Stalled"]


def test_a_message_is_one_line_of_at_most_a_kibibyte() -> None:
    result = said(
        Finding(ConditionType.READY, False, Reason.READY, "a\nb https://u:p@host " + "x" * 2000)
    )

    assert result.message.startswith("a b https://host x")
    assert len(result.message) == 1024


def test_a_finding_without_a_message_explains_its_reason() -> None:
    assert found(ConditionType.READY, Reason.READY).message == Reason.READY.explanation
    assert found(ConditionType.READY, Reason.READY, "so").message == "so"


def test_what_is_blocked_is_missing_for_the_same_reason() -> None:
    assert missing(ConditionType.READY, BLOCKED) == Finding(
        ConditionType.READY, False, "HostTaken", "it is taken"
    )


@pytest.mark.parametrize(
    ("blocked", "expected"),
    [
        pytest.param(None, [], id="neither-when-nothing-blocks"),
        pytest.param(BLOCKED, ["Stalled"], id="stalled-when-a-person-must-act"),
        pytest.param(Blocked(Reason.HOST_PENDING, ""), ["Reconciling"], id="else-reconciling"),
    ],
)
def test_progress(blocked: Blocked | None, expected: list[str]) -> None:
    assert [item.type for item in progress(blocked)] == expected
    assert all(item.status for item in progress(blocked))


def test_a_condition_is_found_by_its_type() -> None:
    ready = said(found(ConditionType.READY, Reason.READY))

    assert find([ready], "Ready") is ready
    assert find([ready], "Stalled") is None
