"""The files that a person names: files, directories, and standard input."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST: Final = 8 * 1024 * 1024
"""Largest file that is read, in bytes."""

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


class UnreadableError(Exception):
    """A file can't be read; the message says which and why."""


@dataclass(frozen=True)
class Source:
    """A file that was read.

    Attributes:
        name: As it was named; `-` for standard input.
        text: What it holds.
    """

    name: str
    text: str


def expand(arguments: Iterable[str]) -> list[str]:
    """Return the names of the files: for a directory all YAML and JSON below it, each file once.

    Raises:
        UnreadableError: A directory holds none.
    """
    return list(dict.fromkeys(name for argument in arguments for name in _expand(argument)))


def read(name: str, read_input: Callable[[int], bytes]) -> Source:
    """Return the file of that name.

    Args:
        name: Path of a file, or `-`.
        read_input: Returns up to that many bytes of standard input.

    Raises:
        UnreadableError: It can't be read, is too large, or isn't UTF-8.
    """
    try:
        data = read_input(LARGEST + 1) if name == "-" else _read_file(name)
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise UnreadableError(f"{name}: is larger than {LARGEST // 1024 // 1024} MiB")
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{name}: is not UTF-8 (byte {error.start})") from error


def _expand(argument: str) -> Iterator[str]:
    path = Path(argument)
    if argument == "-" or not path.is_dir():
        yield argument
        return
    found = sorted(item for item in path.rglob("*") if item.suffix in _SUFFIXES and item.is_file())
    if not found:
        raise UnreadableError(f"{argument}: no .yaml, .yml or .json file is below this directory")
    yield from map(str, found)


def _read_file(name: str) -> bytes:
    with Path(name).open("rb") as file:
        return file.read(LARGEST + 1)
