"""Shows how far a build is: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Display(Protocol):
    """What a build tells about itself. All of it goes to standard error."""

    def say(self, message: str) -> None:
        """Shows one line that stays."""

    def start(self, title: str, number: int, total: int, seconds: int) -> None:
        """Step `number` of `total` begins; it will take about `seconds`."""

    def tick(self) -> None:
        """The step is still running; to be called often."""

    def finish(self) -> None:
        """The step is done."""


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `4 min 30 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60:02d} s"


class PlainDisplay:
    """One line when a step begins, one when it ends, and one every `every` seconds between."""

    def __init__(
        self,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        every: float = 30,
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._every = every
        self._label = ""
        self._seconds = 0
        self._began = self._spoke = 0.0

    def say(self, message: str) -> None:
        """Writes the line."""
        print(f"lab: {message}", file=self._stream, flush=True)
        self._spoke = self._clock()

    def start(self, title: str, number: int, total: int, seconds: int) -> None:
        """Writes what is being built and how long it takes."""
        self._label = f"[{number}/{total}] {title}"
        self._seconds = seconds
        self._began = self._clock()
        self.say(f"{self._label}: building, about {duration(seconds)} on two cores")

    def tick(self) -> None:
        """Writes a line if the last one is `every` seconds old."""
        if self._clock() - self._spoke >= self._every:
            elapsed = self._clock() - self._began
            self.say(f"{self._label}: {duration(elapsed)} of about {duration(self._seconds)}")

    def finish(self) -> None:
        """Writes how long it took."""
        self.say(f"{self._label}: done in {duration(self._clock() - self._began)}")


class LiveDisplay:
    """A bar for the running step. It follows the clock, so it stops short of the end."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=1, visible=False)
        self._label = ""
        self._began = 0.0
        self._seconds = 1

    def say(self, message: str) -> None:
        """Prints the line above the bar."""
        self._progress.console.print(f"lab: {message}", markup=False, highlight=False)

    def start(self, title: str, number: int, total: int, seconds: int) -> None:
        """Shows a fresh bar."""
        self._label = f"[{number}/{total}] {title}"
        self._began, self._seconds = time.monotonic(), max(seconds, 1)
        self._progress.reset(
            self._task,
            total=100,
            visible=True,
            description=self._label,
            expected=duration(seconds),
        )

    def tick(self) -> None:
        """Moves the bar."""
        share = (time.monotonic() - self._began) / self._seconds
        self._progress.update(self._task, completed=min(97.0, share * 100))

    def finish(self) -> None:
        """Hides the bar and prints how long it took."""
        self._progress.update(self._task, visible=False)
        self.say(f"{self._label}: done in {duration(time.monotonic() - self._began)}")


@contextmanager
def display(stream: TextIO | None = None) -> Iterator[Display]:
    """The right display for `stream` (standard error): live on a terminal that isn't a CI's."""
    stream = stream or sys.stderr
    if os.environ.get("CI") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        yield PlainDisplay(stream)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("of about {task.fields[expected]}"),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        yield LiveDisplay(progress)
