"""Which process is which: a pid alone may by now belong to somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """One process for sure.

    `start_time` is field 22 of /proc/<pid>/stat, in clock ticks since the machine started.
    """

    pid: int
    start_time: int


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    # The second field is the program's name in parentheses and may contain anything.
    return text[text.rindex(")") + 2 :].split()


def identify(pid: int) -> Identity | None:
    """Which process has this pid now; None if none has (or only its exit code is left)."""
    try:
        fields = _stat(pid)
    except (OSError, ValueError):
        return None
    return None if fields[0] in "ZX" else Identity(pid, int(fields[19]))


def is_alive(identity: Identity) -> bool:
    """Whether this very process still runs."""
    return identify(identity.pid) == identity


def group_members(group: int) -> list[Identity]:
    """The running processes of a process group."""
    members: list[Identity] = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            in_group = int(_stat(int(directory.name))[2]) == group
        except (OSError, ValueError):
            continue
        found = identify(int(directory.name)) if in_group else None
        if found is not None:
            members.append(found)
    return members
