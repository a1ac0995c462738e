"""Makes the root directory of an image out of this machine's own programs, as a tar.

So an image can be made where none can be pulled, and nothing needs to be installed for it.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_CAPABILITIES = "SCHILY.xattr.security.capability"
_PERMITTED_AND_EFFECTIVE = 0x02000001


@dataclass(frozen=True)
class Entry:
    """One thing in the image, at an absolute path.

    A file with the content of `source` or with `text`, a link to `link`, or, without any of these,
    a directory. `owner` is its user and its group. `capability` is the number of the one that
    whoever runs the program gets, or -1.
    """

    path: str
    mode: int = 0o755
    owner: int = 0
    source: Path | None = None
    text: str = ""
    link: str = ""
    capability: int = -1


def program(source: Path, path: str = "", *, capability: int = -1) -> Iterator[Entry]:
    """A program of this machine, and the libraries that it loads, where it looks for them.

    It gets to `path`, or else to where it is. Raises LabError if its libraries can't be told.
    """
    yield Entry(path or str(source), source=source, capability=capability)
    for library in libraries(_ldd(source)):
        yield Entry(library, source=Path(library))


def libraries(said: str) -> list[str]:
    """The paths of the libraries, and of their loader, in what `ldd` prints."""
    return _LIBRARY.findall(said)


def _ldd(source: Path) -> str:
    try:
        done = subprocess.run(
            ["ldd", str(source)], capture_output=True, text=True, check=False, timeout=30
        )
    except FileNotFoundError:
        raise LabError(
            "There is no ldd on PATH. Install it (Debian: `apt install libc-bin`)."
        ) from None
    if done.returncode != 0 and "not a dynamic executable" not in done.stdout + done.stderr:
        raise LabError(f"ldd can't tell the libraries of {source}: {done.stderr.strip()}")
    return done.stdout


def fingerprint(entries: Iterable[Entry]) -> str:
    """Changes when the tar would: the entries count, and which files of this machine they name."""
    facts = [
        (entry, source.resolve(), found.st_size, found.st_mtime_ns)
        if (source := entry.source) and (found := source.stat())
        else (entry,)
        for entry in _ordered(entries)
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def tar(entries: Iterable[Entry]) -> bytes:
    """The entries as a tar, the same bytes for the same entries; of each path the first counts."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in _ordered(entries):
            member = tarfile.TarInfo(entry.path.lstrip("/"))
            member.mode, member.uid, member.gid = entry.mode, entry.owner, entry.owner
            if entry.link:
                member.type, member.linkname = tarfile.SYMTYPE, entry.link
            elif entry.source or entry.text:
                content = entry.source.read_bytes() if entry.source else entry.text.encode()
                member.size = len(content)
                if entry.capability >= 0:
                    member.pax_headers = {_CAPABILITIES: _file_capability(entry.capability)}
                archive.addfile(member, io.BytesIO(content))
                continue
            else:
                member.type = tarfile.DIRTYPE
            archive.addfile(member)
    return output.getvalue()


def _file_capability(number: int) -> str:
    """The kernel's `struct vfs_cap_data`, in its second version, as tarfile wants bytes."""
    words = [_PERMITTED_AND_EFFECTIVE, 0, 0, 0, 0]
    words[1 + 2 * (number // 32)] = 1 << number % 32
    return struct.pack("<5I", *words).decode("utf-8", "surrogateescape")


def _ordered(entries: Iterable[Entry]) -> list[Entry]:
    """By their paths, so directories come before what is in them."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.path, entry)
    return [first[path] for path in sorted(first)]
