"""Reads the manifests of `kapsa plan`: only what the operator could work with is planned."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kapsa.cli.validation.documents import Document, read_documents
from kapsa.cli.validation.findings import Severity, as_text
from kapsa.cli.validation.identity import is_list
from kapsa.cli.validation.judging import judge
from kapsa.cli.validation.schemas import MODELS, as_stored, schema_of
from kapsa.cli.validation.sources import expand, read
from kapsa.models.reasons import Reason


class InvalidError(ValueError):
    """A file holds what the API server or the operator refuses; the message is one line for each.

    What the operator only says in a condition, such as a DomainPool that isn't there, is none of
    that: the plan shows it.
    """


def manifests_in(names: Iterable[str], read_input: Callable[[int], bytes]) -> list[Any]:
    """Return what the files hold, Kapsa's own objects as the API server would store them.

    Args:
        names: Files and folders, `-` for standard input.
        read_input: Returns up to that many bytes of standard input.

    Raises:
        UnreadableError: A file can't be read.
        InvalidError: What a file holds is refused.
    """
    sources = [read(name, read_input) for name in expand(names)]
    refused = [
        finding
        for finding in judge(sources).findings
        if finding.severity == Severity.ERROR and finding.reason == Reason.INVALID_SPEC
    ]
    if refused:
        raise InvalidError("\n".join(as_text(refused)))
    return [
        _stored(value)
        for source in sources
        for document in read_documents(source.text)
        if isinstance(document, Document)
        for value in _objects(document.value)
    ]


def _objects(value: Any) -> Iterator[Any]:
    """Yield the object, or where it is a list of objects, each of them."""
    if not is_list(value):
        yield value
        return
    for item in value["items"]:
        yield from _objects(item)


def _stored(value: Any) -> Any:
    kind = value.get("kind") if isinstance(value, dict) else None
    return as_stored(schema_of(kind), value) if kind in MODELS else value
