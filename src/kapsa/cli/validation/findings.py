"""What is said of a place in a file, and how it is shown."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import click

from kapsa.cli.validation.documents import Place
from kapsa.utils.text import sanitise

_MESSAGE_LIMIT: Final = 2048


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """What is said of a place in a file.

    Attributes:
        file: The file, as it was named; `-` for standard input.
        place: Line and column.
        severity: An error, or a note about what could not be judged.
        message: What is wrong, and what to do.
        path: The field, as the API server writes it; nothing for the object or file as a whole.
        reason: The reason that a condition would have for it; nothing for a note.
        kind: Kind of the object; nothing where none was recognised.
        name: Name of the object; nothing where none was recognised.
    """

    file: str
    place: Place
    severity: Severity
    message: str
    path: str = ""
    reason: str = ""
    kind: str = ""
    name: str = ""


@dataclass(frozen=True)
class Verdict:
    """All that was found.

    Attributes:
        findings: By file, in the order of the files, then by place.
        files: How many files were read.
        objects: How many objects of Kapsa are in them.
    """

    findings: tuple[Finding, ...]
    files: int
    objects: int

    def count(self, severity: Severity) -> int:
        """Return how many findings have that severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def fails(self, *, strict: bool) -> bool:
        """Tell whether there is an error, or anything at all if the check is strict."""
        return bool(self.findings) if strict else self.count(Severity.ERROR) > 0


def as_text(findings: Iterable[Finding]) -> Sequence[str]:
    """Return a line for each finding, in the form that compilers gave to editors, with colours."""
    return [_line(finding) for finding in findings]


def as_json(findings: Iterable[Finding]) -> str:
    """Return the findings as a JSON list of flat objects."""
    return json.dumps([_object(finding) for finding in findings], indent=2)


def summary(verdict: Verdict) -> str:
    """Return the findings in numbers: `2 errors and 1 note in 3 objects of 2 files`."""
    errors, notes = verdict.count(Severity.ERROR), verdict.count(Severity.NOTE)
    where = f"{_number(verdict.objects, 'object')} of {_number(verdict.files, 'file')}"
    said = [_number(errors, "error")] if errors else ["no errors"]
    if notes:
        said.append(_number(notes, "note"))
    return f"{' and '.join(said)} in {where}"


def _line(finding: Finding) -> str:
    where = f"{finding.file}:{finding.place.line}:{finding.place.column}:"
    note = click.style("note: ", fg="cyan") if finding.severity == Severity.NOTE else ""
    field = click.style(f"{_clean(finding.path)}: ", fg="red") if finding.path else ""
    return f"{click.style(_clean(where), bold=True)} {note}{field}{_clean(finding.message)}"


def _object(finding: Finding) -> dict[str, str | int]:
    return {
        "file": finding.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "severity": str(finding.severity),
        "kind": finding.kind,
        "name": finding.name,
        "path": finding.path,
        "reason": finding.reason,
        "message": finding.message,
    }


def _clean(text: str) -> str:
    """Return text that can't steer the terminal: names of fields are whatever the file says."""
    return sanitise(text, _MESSAGE_LIMIT)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
