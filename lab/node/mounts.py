"""Mounts by the system call itself: `mount` would look through the links that name open files."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_BIND, _RECURSIVE, _SHARED = 0x1000, 0x4000, 0x100000


def bind(source: str, target: Path) -> None:
    """Shows `source`, with all that is mounted in it, at `target` too. Raises OSError."""
    _mount(source, target, "", _BIND | _RECURSIVE)


def fresh(kind: str, target: Path) -> None:
    """Mounts a new file system of a kind, such as `tmpfs`. Raises OSError."""
    _mount(kind, target, kind, 0)


def share_all() -> None:
    """Has every mount made from now on show in the namespaces that are made of this one."""
    _mount("none", Path("/"), "", _RECURSIVE | _SHARED)


def _mount(source: str, target: Path, kind: str, flags: int) -> None:
    arguments = (source.encode(), os.fsencode(target), kind.encode() or None, flags, None)
    if _LIBC.mount(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount on {target}: {os.strerror(number)}")
