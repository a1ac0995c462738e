"""What runs on this machine."""

from contextlib import suppress
from pathlib import Path


def processes(marker: str) -> list[int]:
    """Return the processes that have `marker` in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found
