"""What is built of a commit: its tree, its message and its files, as git prints them."""

import re
from dataclasses import dataclass
from typing import Final

MESSAGE_LIMIT: Final = 16_384
"""Longest message of a commit that is kept (characters)."""
FILE_LIMIT: Final = 200_000
"""Most files of a context."""

_TREE_LINE: Final = re.compile(rb"tree ([0-9a-f]{40}|[0-9a-f]{64})")
_ENTRY: Final = re.compile(
    rb"(?P<mode>[0-7]{6}) (?P<type>blob|tree|commit) (?P<name>[0-9a-f]{40}|[0-9a-f]{64})\t"
    rb"(?P<path>.+)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Source:
    """A directory of a repository as it is at a commit.

    Attributes:
        tree: Object name of the directory's git tree: equal for equal content.
        message: The commit's message; the beginning, where it is longer than `MESSAGE_LIMIT`.
        files: Path of each file below the directory, and its mode and object name with a space
            between them; a submodule counts as a file. Nothing where they were not asked for.
            Bytes of a path that aren't UTF-8 are surrogates, as `os.fsdecode` makes them.
    """

    tree: str
    message: str
    files: tuple[tuple[str, str], ...] = ()


class UnreadableObjectError(ValueError):
    """Git printed something that is not what it prints."""


def path_of(context: str) -> str | None:
    """Return the path that git knows a directory by; nothing for the root, None for no path."""
    if context in {"", "."}:
        return ""
    path = context.removesuffix("/")
    return None if "\0" in path or {"", ".", ".."} & set(path.split("/")) else path


def read_commit(output: bytes) -> tuple[str, str]:
    """Return the tree and the message of a commit.

    Args:
        output: What `git cat-file commit` prints.

    Raises:
        UnreadableObjectError: It is no commit.
    """
    head, _, message = output.partition(b"\n\n")
    line = _TREE_LINE.fullmatch(head.split(b"\n", 1)[0])
    if line is None:
        raise UnreadableObjectError("a commit must begin with its tree")
    # Four bytes are a character at most.
    text = message[: 4 * MESSAGE_LIMIT].decode("utf-8", "replace")
    return line[1].decode(), text[:MESSAGE_LIMIT]


def read_directory(output: bytes) -> str | None:
    """Return the tree of a directory; None where there is none of that path.

    Args:
        output: What `git ls-tree -z <commit> -- <path>` prints.

    Raises:
        UnreadableObjectError: It is no entry of a tree.
    """
    for line in _lines(output):
        entry = _entry(line)
        if entry["type"] == b"tree":
            return entry["name"].decode()
    return None


def read_files(output: bytes) -> tuple[tuple[str, str], ...]:
    """Return the files of a tree, as `Source.files` has them.

    Args:
        output: What `git ls-tree -r -z <tree>` prints.

    Raises:
        UnreadableObjectError: It isn't the listing of a tree, or it breaks off.
    """
    entries = map(_entry, _lines(output))
    return tuple(
        (_decoded(entry["path"]), f"{entry['mode'].decode()} {entry['name'].decode()}")
        for entry in entries
    )


def _lines(output: bytes) -> list[bytes]:
    *lines, rest = output.split(b"\0")
    if rest:
        raise UnreadableObjectError("the listing of a tree breaks off")
    return lines


def _entry(line: bytes) -> "re.Match[bytes]":
    match = _ENTRY.fullmatch(line)
    if match is None:
        raise UnreadableObjectError("an entry of a tree must have mode, type, name and path")
    return match


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
