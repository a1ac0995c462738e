"""newuidmap and newgidmap: those on PATH, or else Debian's package of them, unpacked in the cache.

Rootless BuildKit needs them. Few machines have them, and to install a package is not the
laboratory's to do.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from lab.lock import exclusive
from lab.paths import cache_directory

PROGRAMS: Final = ("newuidmap", "newgidmap")

_PACKAGE: Final = "uidmap"
_PATIENCE: Final = 60
"""Seconds for the download."""


def absent(needed: Iterable[str]) -> list[str]:
    """Which of some programs can't be had; nothing is downloaded where others are missing."""
    names = list(needed)
    others = [name for name in names if name not in PROGRAMS and find(name) is None]
    return others or [name for name in names if find(name) is None]


def find(name: str) -> Path | None:
    """Where a program is: on PATH, or for one of the PROGRAMS in Debian's package; else None."""
    if on_path := shutil.which(name):
        return Path(on_path).resolve()
    directory = unpacked() if name in PROGRAMS else None
    return directory / name if directory else None


@cache
def unpacked() -> Path | None:
    """The directory of the programs of Debian's package, downloaded by apt if the cache hasn't it.

    None where there is no apt or it can't get it: a line on stderr tells what apt says.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    directory = cache_directory() / _PACKAGE
    programs = directory / "usr" / "bin"
    with exclusive(directory.with_suffix(".lock"), f"download of {_PACKAGE}", _say):
        if all((programs / name).exists() for name in PROGRAMS):
            return programs
        _say(f"downloading Debian's package {_PACKAGE} (it is not installed) …")
        if why := _download(directory):
            _say(f"apt can't download {_PACKAGE}: {why}")
            return None
    return programs


def _download(directory: Path) -> str:
    """Unpacks the package there, all of it or nothing; why not, where it can't."""
    with tempfile.TemporaryDirectory(dir=directory.parent) as place:
        # As root, apt would else have an account download that may not write to this directory.
        if why := _run(place, "apt-get", "-o", "APT::Sandbox::User=root", "download", _PACKAGE):
            return why
        archives = map(str, Path(place).glob("*.deb"))
        if why := _run(place, "dpkg-deb", "-x", *archives, "unpacked"):
            return why
        shutil.rmtree(directory, ignore_errors=True)
        (Path(place) / "unpacked").rename(directory)
    return ""


def _run(place: str, *command: str) -> str:
    """Runs a command there; what it complains of, in one line, where it fails."""
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {_PATIENCE} s"
    return " ".join(done.stderr.split()) if done.returncode != 0 else ""


def _say(message: str) -> None:
    print(f"lab: {message}", file=sys.stderr)
