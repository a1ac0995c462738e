"""Clears away the directories of laboratories whose process was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.identity import identify, is_alive
from lab.site import Owner, Site, load

PREFIX: Final = "kapsa-lab-"
"""How the names of temporary directories of laboratories begin."""


def this_process() -> Owner | None:
    """Us, as the owner of a laboratory that ends with us; None where processes can't be told."""
    us, namespace = identify(os.getpid()), _namespace()
    return Owner(us, namespace) if us is not None and namespace else None


def sweep() -> None:
    """Remove what laboratories left that were to end with a process, and whose process is gone."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(LabError, OSError):
            site = load(directory)
            if site is not None and _is_left(site):
                remove_directories(directory)


def remove_directories(directory: Path) -> None:
    """Remove a laboratory's directory, and those that it has elsewhere."""
    with suppress(LabError):
        site = load(directory)
        for path in site.outside.values() if site is not None else ():
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


def _is_left(site: Site) -> bool:
    """Whether its process is gone; one of another process namespace is not ours to judge."""
    owner = site.owner
    return owner is not None and owner.namespace == _namespace() and not is_alive(owner.process)


def _namespace() -> str:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""
