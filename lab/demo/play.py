"""Plays a story: does a step, watches until what it claims holds, goes on to the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lab.deadline import Deadline
from lab.demo.checks import Check
from lab.demo.snapshot import Snapshot
from lab.errors import LabError

WITHIN = 120.0
"""Seconds after which a step has failed; many times what one takes on a quiet machine."""

SEE_ENVIRONMENTS = ("get", "projects,environments", "-A")

_EVERY = 0.3


@dataclass(frozen=True)
class Step:
    """One step of the story.

    Attributes:
        title: A few words, for the summary.
        headline: A sentence that says what is done.
        commands: What a person would type or click to do it.
        act: Does it; returns what must hold soon after.
        text: Shown below the commands, such as what a manifest says.
        see: Arguments of `kubectl` that show the outcome.
    """

    title: str
    headline: str
    commands: tuple[str, ...]
    act: Callable[[], Sequence[Check]]
    text: str = ""
    see: tuple[str, ...] = SEE_ENVIRONMENTS

    @property
    def live(self) -> bool:
        """Whether it is about Environments: a terminal then shows them while they change."""
        return self.see == SEE_ENVIRONMENTS


@dataclass(frozen=True)
class Held:
    """A claim that came true, and how many seconds after the step was done it did so for good."""

    claim: str
    seconds: float


@dataclass(frozen=True)
class Played:
    """A step whose claims came true, and how many seconds after it was done all of them held."""

    number: int
    step: Step
    seconds: float
    held: tuple[Held, ...]


class StepFailedError(LabError):
    """A claim did not come true in time."""

    def __init__(self, message: str, snapshot: Snapshot) -> None:
        super().__init__(message)
        self.snapshot = snapshot


class Screen(Protocol):
    """Where the story is shown."""

    def announce(self, number: int, step: Step) -> None:
        """Show what is about to be done."""

    def watching(self, step: Step) -> AbstractContextManager[Callable[[Snapshot, str], None]]:
        """Show how it converges; to be told of each snapshot, and of what is not so yet."""

    def came_true(self, played: Played) -> None:
        """Show what holds now."""


def play(
    steps: Sequence[Step],
    look: Callable[[], Snapshot],
    screen: Screen,
    *,
    within: float = WITHIN,
) -> list[Played]:
    """Play the steps one after the other.

    Args:
        steps: The story.
        look: Looks at the cluster; raises what ends the story.
        screen: Where it is shown.
        within: Seconds that the claims of a step have to come true.

    Raises:
        StepFailedError: A claim did not come true; the message names the step and the claim.
    """
    return [_play(number, step, look, screen, within) for number, step in enumerate(steps, 1)]


def _play(
    number: int, step: Step, look: Callable[[], Snapshot], screen: Screen, within: float
) -> Played:
    screen.announce(number, step)
    checks = step.act()
    began, deadline = time.monotonic(), Deadline(within)
    held_since: dict[Check, float] = {}
    with screen.watching(step) as show:
        while True:
            snapshot = look()
            problems = [(check, said) for check in checks if (said := check.problem(snapshot))]
            elapsed = time.monotonic() - began
            open_yet = {check for check, _ in problems}
            held_since = {
                check: held_since.get(check, elapsed) for check in checks if check not in open_yet
            }
            show(snapshot, f"{problems[0][0].claim}: {problems[0][1]}" if problems else "")
            if not problems:
                break
            if deadline.has_passed:
                raise StepFailedError(_failure(number, step, problems, within), snapshot)
            time.sleep(_EVERY)
    held = tuple(Held(check.claim, held_since[check]) for check in checks)
    played = Played(number, step, elapsed, held)
    screen.came_true(played)
    return played


def _failure(number: int, step: Step, problems: Sequence[tuple[Check, str]], within: float) -> str:
    lines = [f"step {number} ({step.title}) did not come true within {within:.0f} s:"]
    lines += [f"  ✗ {check.claim}: {said}" for check, said in problems]
    return "\n".join(lines)
