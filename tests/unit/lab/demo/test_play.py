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
        self.lines.append(f"true: {', '.join(played.claims)}")


def step(title: str, *said: str) -> Step:
    """Return a step with one claim, which says those problems, one at each look."""
    answers = iter(said)
    check = Check(f"{title} is done", lambda _: next(answers))
    return Step(title=title, headline=title, commands=(), act=lambda: (check,))


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
