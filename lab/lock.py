"""Locks between processes: one build at a time on this machine, one `up` at a time per name."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(
    path: Path, activity: str, say: Callable[[str], None], remind_seconds: float = 30
) -> Iterator[None]:
    """Holds the lock file `path` for the block; waits as long as another process holds it.

    Tells `say` at once, and every `remind_seconds`, whom it waits for ("waiting for another
    <activity> (pid 42)"). The kernel lets go of the lock when its holder ends, however it ends,
    so a stale lock can't exist.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, activity, say, remind_seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(
    descriptor: int, activity: str, say: Callable[[str], None], remind_seconds: float
) -> None:
    said_at = float("-inf")
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() - said_at >= remind_seconds:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace") or "unknown"
                say(f"waiting for another {activity} (pid {holder})")
                said_at = time.monotonic()
            time.sleep(0.1)
        else:
            return
