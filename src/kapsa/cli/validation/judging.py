"""Judges whole files: every document in them, and what one says of another."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kapsa.cli.validation.check import find_problems, read_object
from kapsa.cli.validation.documents import Document, Fault, read_documents
from kapsa.cli.validation.findings import Finding, Severity, Verdict
from kapsa.cli.validation.identity import foreign_note, is_list
from kapsa.cli.validation.references import Offers, find_missing, unjudged
from kapsa.cli.validation.sources import Source
from kapsa.core.problems import Problem
from kapsa.models import Model
from kapsa.models.reasons import Reason


def judge(sources: Iterable[Source]) -> Verdict:
    """Return all that is wrong with the objects of Kapsa in some files, taken together."""
    judged = [_judge_file(source) for source in sources]
    objects = [about for file in judged for about in file.objects]
    offers = Offers()
    for about in objects:
        offers.add(about.kind, about.name, about.model)
    for about in objects:
        if about.model is not None:
            about.findings += [about.problem(each) for each in find_missing(about.model, offers)]
            about.findings += [about.note(*each) for each in unjudged(about.model, offers)]
    return Verdict(
        findings=tuple(finding for file in judged for finding in file.sorted()),
        files=len(judged),
        objects=len(objects),
    )


@dataclass
class _About:
    """An object in a file, and what is said of it."""

    file: str
    document: Document
    findings: list[Finding] = field(default_factory=list)
    model: Model | None = None

    @property
    def kind(self) -> str:
        return _text(self.document.value, "kind")

    @property
    def name(self) -> str:
        return _text(self.document.value, "metadata", "name")

    def problem(self, problem: Problem) -> Finding:
        return self._finding(Severity.ERROR, problem.path, problem.message, problem.reason)

    def note(self, path: str, message: str) -> Finding:
        return self._finding(Severity.NOTE, path, message, "")

    def _finding(self, severity: Severity, path: str, message: str, reason: str) -> Finding:
        return Finding(
            file=self.file,
            place=self.document.place_of(path),
            severity=severity,
            message=message,
            path=path,
            reason=str(reason),
            kind=self.kind,
            name=self.name,
        )


@dataclass
class _File:
    """What is said of a file."""

    findings: list[Finding] = field(default_factory=list)
    objects: list[_About] = field(default_factory=list)

    def sorted(self) -> list[Finding]:
        """Return all findings by place."""
        found = [*self.findings, *(each for about in self.objects for each in about.findings)]
        return sorted(found, key=lambda finding: finding.place)


def _judge_file(source: Source) -> _File:
    file = _File()
    for document in read_documents(source.text):
        if isinstance(document, Fault):
            file.findings.append(_of_fault(source.name, document))
        elif document.value is None:
            file.findings += [_of_fault(source.name, fault) for fault in document.faults]
        else:
            _judge_document(file, source.name, document)
    return file


def _judge_document(file: _File, name: str, document: Document) -> None:
    ours = False
    for item in _objects(document):
        about = _About(name, item)
        note = foreign_note(item.value)
        if note is not None:
            file.findings.append(about.note("", note))
            continue
        ours = True
        about.findings += [about.problem(problem) for problem in find_problems(item.value)]
        about.model = read_object(item.value)
        file.objects.append(about)
    if ours:
        file.findings += [_of_fault(name, fault) for fault in document.faults]


def _objects(document: Document) -> Iterator[Document]:
    """Yield the document, or where it is a list of objects, each of them."""
    if not is_list(document.value):
        yield document
        return
    for index in range(len(document.value["items"])):
        yield from _objects(document.item("items", index))


def _of_fault(file: str, fault: Fault) -> Finding:
    return Finding(
        file, fault.place, Severity.ERROR, fault.message, fault.path, str(Reason.INVALID_SPEC)
    )


def _text(value: Any, *path: str) -> str:
    """Return the string at `path`; nothing where there is none."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
