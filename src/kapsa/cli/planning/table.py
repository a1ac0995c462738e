"""The plan as tables for people: with colours on a terminal, plain elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kapsa.cli.planning.values import PlannedEnvironment, PlannedProject, explanation_of
from kapsa.models.project_status import Candidate
from kapsa.utils.text import sanitise

_SHORT_SHA = 7
_CELL_LIMIT = 200
_HEADINGS = ("ACTION", "NAME", "NAMESPACE", "TYPE", "REF", "COMMIT", "IMAGE", "URL")
_CANDIDATE_HEADINGS = ("REF", "PULL REQUEST", "COMMIT", "DECISION", "REASON", "WHY")
_COLOURS = {
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "keep": "yellow",
    "wait": "yellow",
}
_COUNTED = {
    "create": "to create",
    "update": "to update",
    "unchanged": "unchanged",
    "delete": "to delete",
    "keep": "kept as they are",
    "wait": "waiting",
}

Row = tuple[str, ...]


def write_tables(projects: Iterable[PlannedProject], stream: IO[str]) -> None:
    """Write what becomes of each Project, its Environments and its refs to the stream."""
    console = Console(file=stream, highlight=False, soft_wrap=True)
    for number, project in enumerate(projects):
        if number:
            console.print()
        console.print(Text(_title(project), style="bold"))
        _write(console, _HEADINGS, [_row(item) for item in project.environments])
        for line in _remarks(project):
            console.print(Text(sanitise(line)))
        _write(console, _CANDIDATE_HEADINGS, [_candidate_row(item) for item in project.candidates])


def _title(project: PlannedProject) -> str:
    name = f"Project {project.namespace}/{project.name}"
    if project.failure is not None:
        return f"{name}: {project.failure.reason}: {project.failure.message}"
    counts: dict[str, int] = {}
    for item in project.environments:
        counts[item.action] = counts.get(item.action, 0) + 1
    said = ", ".join(f"{count} {_COUNTED[action]}" for action, count in counts.items())
    return f"{name}: {said or 'no Environments'}"


def _row(item: PlannedEnvironment) -> Row:
    spec = item.spec
    request = spec.get("pullRequest")
    return (
        item.action,
        item.name,
        item.namespace,
        spec["type"],
        f"#{request['number']} {item.ref}".strip() if request else item.ref,
        spec.get("commit", "")[:_SHORT_SHA],
        spec.get("image", ""),
        item.url,
    )


def _remarks(project: PlannedProject) -> Iterator[str]:
    """Yield what is made once, and what Environments don't become what they could."""
    made = {place.name: place for place in project.places if place.is_wanted}
    for place in list(made.values())[:1]:
        objects = ", ".join(f"{item['kind']} {item['metadata']['name']}" for item in place.objects)
        where = f"namespace {place.name}" if len(made) == 1 else "each of these namespaces"
        yield f"{where} also gets: {objects}"
    for item in project.environments:
        if item.blocked is not None:
            yield f"{item.name}: {item.blocked.reason}: {item.blocked.message}"
    for offer in project.offers:
        yield (
            f"{offer.name} could run commit {offer.commit[:_SHORT_SHA]} {offer.ref}".rstrip()
            + ": autoSync is false; name it in revision or image to roll it out"
        )


def _candidate_row(item: Candidate) -> Row:
    return (
        item.ref,
        f"#{item.pr}" if item.pr else "",
        item.sha[:_SHORT_SHA],
        item.decision,
        item.reason,
        explanation_of(item.reason),
    )


def _write(console: Console, headings: Row, rows: Sequence[Row]) -> None:
    if not rows:
        return
    console.print()
    rows = [tuple(sanitise(cell, _CELL_LIMIT) for cell in row) for row in rows]
    if console.is_terminal:
        console.print(_rich(headings, rows))
        return
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(Text("  ".join(cells).rstrip()))


def _rich(headings: Row, rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for first, *rest in rows:
        table.add_row(Text(first, style=_COLOURS.get(first, "")), *map(Text, rest))
    return table
