"""Where the laboratory keeps its things."""

from __future__ import annotations

import os
from pathlib import Path


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The XDG specification: a relative path is to be ignored.
    return Path(value) if value.startswith("/") else Path.home() / fallback


def cache_directory() -> Path:
    """Where built servers are kept: one directory for each name and version."""
    return _base("XDG_CACHE_HOME", ".cache") / "kapsa" / "lab"


def state_directory(name: str) -> Path:
    """Where the detached laboratory called `name` keeps its data, logs and credentials."""
    return _base("XDG_STATE_HOME", ".local/state") / "kapsa" / "lab" / name


def write_private(path: Path, text: str) -> Path:
    """Writes `text` to `path`, readable by the owner only from the first moment; returns it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
    return path


def private_directory(path: Path) -> Path:
    """Makes `path` (and its parents) and lets nobody but the owner in; returns it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
