"""A story goes on while its claims come true, and stops at the first that doesn't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lab.demo.checks import Check
from lab.demo.play import Played, Step, StepFailedError, play
from lab.demo.snapshot import Snapshot


class Notes:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def announce(self, number: int, step: Step) -> None:
        self.lines.append(f"{number} {step.title}")

    @contextmanager
    def watching(self, step: Step) -> Iterator[Callable[[Snapshot, str], None]]:
        yield lambda _snapshot, problem: self.lines.append(problem or "nothing open")

    def came_true(self, played: Played) -> None:
        self.lines.append(f"true: {', '.join(held.claim for held in played.held)}")


def check(claim: str, *said: str) -> Check:
    """Return a claim which says those problems, one at each look."""
    answers = iter(said)
    return Check(claim, lambda _: next(answers))


def step(title: str, *said: str) -> Step:
    """Return a step with one claim, which says those problems, one at each look."""
    claimed = check(f"{title} is done", *said)
    return Step(title=title, headline=title, commands=(), act=lambda: (claimed,))


def test_each_step_is_watched_until_it_has_come_true() -> None:
    screen = Notes()

    played = play([step("one", "not yet", ""), step("two", "")], Snapshot, screen)

    assert [each.step.title for each in played] == ["one", "two"]
    assert screen.lines == [
        "1 one",
        "one is done: not yet",
        "nothing open",
        "true: one is done",
        "2 two",
        "nothing open",
        "true: two is done",
    ]


def test_a_false_claim_ends_the_story_and_is_named() -> None:
    screen = Notes()
    steps = [step("one", ""), step("two", "it is red"), step("three", "")]

    with pytest.raises(StepFailedError) as caught:
        play(steps, Snapshot, screen, within=-1)

    assert "step 2 (two) did not come true" in str(caught.value)
    assert "✗ two is done: it is red" in str(caught.value)
    assert caught.value.exit_code == 1
    assert "3 three" not in screen.lines


def test_a_claim_holds_since_it_came_true_for_the_last_time() -> None:
    checks = (
        check("early", "", "", ""),
        check("late", "no", "", ""),
        check("back", "", "no", ""),
    )
    (played,) = play([Step("all", "all", (), lambda: checks)], Snapshot, Notes())
    early, late, back = played.held
    assert early.seconds < late.seconds < back.seconds == played.seconds
