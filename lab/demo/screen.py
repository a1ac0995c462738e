"""Shows the story: with a live table on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lab.builder.progress import duration
from lab.demo.play import Played, Screen, Step
from lab.demo.snapshot import Snapshot
from lab.demo.table import COLUMNS, Row, rows

See = Callable[..., str]
"""Runs kubectl with some arguments; returns what it printed."""

_NARROWEST = 60
_WIDE = 120
"""Columns from which on a row has room for its URL."""

_PHASES = {"Running": "green", "Failed": "bold red", "Terminating": "dim"}
_READY = {"True": "green", "False": "yellow"}


class PlainScreen:
    """One line for each thing that happens; in the end, what kubectl prints."""

    def __init__(self, stream: TextIO, see: See, kubectl: str = "kubectl") -> None:
        self._stream = stream
        self._see = see
        self._kubectl = kubectl

    def announce(self, number: int, step: Step) -> None:
        """Print the headline and the commands."""
        self._print(f"\n== {number}. {step.headline}")
        for command in step.commands:
            self._print(f"   {command}")
        for line in step.text.splitlines():
            self._print(f"     {line}".rstrip())

    @contextmanager
    def watching(self, step: Step) -> Iterator[Callable[[Snapshot, str], None]]:
        """Print a line whenever what is waited for is another."""
        began, before = time.monotonic(), ""

        def show(_snapshot: Snapshot, problem: str) -> None:
            nonlocal before
            if problem and problem != before:
                self._print(f"   {time.monotonic() - began:5.1f} s  not yet: {problem}")
            before = problem

        yield show

    def came_true(self, played: Played) -> None:
        """Print what holds, and what a person would see."""
        for held in played.held:
            self._print(f"   ✓ {held.seconds:5.1f} s  {held.claim}")
        self._print(f"   all of it after {played.seconds:.1f} s\n")
        self._print(f"   $ {self._kubectl} {' '.join(played.step.see)}")
        for line in self._see(*played.step.see).splitlines():
            self._print(f"   {line}".rstrip())

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class TerminalScreen:
    """A table of the Environments that follows the cluster while a step converges."""

    def __init__(self, console: Console, see: See, kubectl: str = "kubectl") -> None:
        self._console = console
        self._see = see
        self._kubectl = kubectl

    def announce(self, number: int, step: Step) -> None:
        """Print the headline and the commands."""
        self._print(Text.assemble((f"\n{number}. ", "bold cyan"), (step.headline, "bold")))
        for command in step.commands:
            self._print(Text(f"   {command}", style="cyan"))
        if step.text:
            self._print(Padding(Syntax(step.text, "yaml", background_color="default"), (0, 5)))

    @contextmanager
    def watching(self, step: Step) -> Iterator[Callable[[Snapshot, str], None]]:
        """Show the table, and what is still waited for below it."""
        spinner = Spinner("dots")
        began = time.monotonic()
        with Live(spinner, console=self._console, refresh_per_second=8, transient=True) as live:

            def show(snapshot: Snapshot, problem: str) -> None:
                seconds = time.monotonic() - began
                spinner.update(text=self._line(f"{seconds:4.0f} s  {problem}"))
                self._last = snapshot
                live.update(Group(self._table(), spinner) if step.live else spinner)

            yield show

    def came_true(self, played: Played) -> None:
        """Print the table as it is now, and what holds."""
        self._print(Text(f"   $ {self._kubectl} {' '.join(played.step.see)}", style="cyan"))
        if played.step.live:
            self._print(self._table())
        else:
            self._print(Text(self._see(*played.step.see).rstrip()))
        for held in played.held:
            after = (f"{held.seconds:5.1f} s  ", "dim")
            self._print(Text.assemble(("   ✓ ", "green"), after, held.claim))
        self._print(Text(f"   all of it after {played.seconds:.1f} s", style="bold green"))

    _last = Snapshot()

    def _table(self) -> RenderableType:
        found = rows(self._last)
        if self._console.width >= _WIDE:
            return environment_table(found)
        return Group(environment_table(found, without="URL"), *(f"  {row.url}" for row in found))

    def _line(self, text: str) -> Text:
        line = Text(text, style="dim")
        line.truncate(self._console.width - len("x "), overflow="ellipsis")
        return line

    def _print(self, what: RenderableType) -> None:
        self._console.print(what, highlight=False)


def environment_table(found: list[Row], without: str = "") -> Table:
    """Return the table of the Environments, with colours; `without` is a column to leave out."""
    table = Table(box=None, header_style="bold dim", padding=(0, 2 if not without else 1, 0, 0))
    shown = [column for column in COLUMNS if column != without]
    for column in shown:
        table.add_column(column, overflow="fold")
    for row in found:
        cells = dict(zip(COLUMNS, row, strict=True))
        styles = {"PHASE": _PHASES.get(row.phase, "yellow"), "READY": _READY.get(row.ready, "")}
        table.add_row(*(Text(cells[column], styles.get(column, "")) for column in shown))
    return table


def screen_for(stream: TextIO, see: See, kubectl: str) -> Screen:
    """Return the right screen: live on a terminal that isn't a CI's, plain elsewhere."""
    if os.environ.get("CI") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return PlainScreen(stream, see, kubectl)
    console = Console(file=stream)
    if console.width < _NARROWEST:
        return PlainScreen(stream, see, kubectl)
    return TerminalScreen(console, see, kubectl)


def summary(played: list[Played]) -> str:
    """Return the steps, with how long each took to come true."""
    width = max(len(each.step.title) for each in played)
    lines = [
        f"  {each.number:2}  {each.step.title:{width}}  {each.seconds:6.1f} s  ✓" for each in played
    ]
    claims = sum(len(each.held) for each in played)
    total = duration(sum(each.seconds for each in played))
    return "\n".join([*lines, f"  {len(played)} steps, {claims} checks, all hold; {total} in all"])
