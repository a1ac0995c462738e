"""The control group that all pods of a node are in. Knows version 1, version 2 and both at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lab.errors import ServerError

_GONE_WITHIN = 15.0
_SUPPORTED = ("cpu", "cpuset", "hugetlb", "memory", "pids")
_SUBTREE = "cgroup.subtree_control"


def hierarchies(mountinfo: str) -> list[Path]:
    """Where control groups are mounted, given the text of /proc/self/mountinfo."""
    found: dict[Path, None] = {}
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        if source.split(" ")[0] in ("cgroup", "cgroup2"):
            found[Path(mount.split(" ")[4])] = None
    return [*found]


def hierarchies_of_this_machine() -> list[Path]:
    """Where control groups are mounted."""
    return hierarchies(Path("/proc/self/mountinfo").read_text("utf-8"))


def create(name: str, roots: list[Path]) -> tuple[str, ...]:
    """Makes the control group in every hierarchy.

    Where there is only version 2, and it does not hand down a controller that a kubelet wants, that
    is switched on at the top: those switched on are returned, for `remove`.
    """
    switched_on = _hand_down(roots[0]) if len(roots) == 1 and _is_unified(roots[0]) else ()
    for root in roots:
        (root / name).mkdir(exist_ok=True)
    return switched_on


def _is_unified(root: Path) -> bool:
    return (root / _SUBTREE).exists()


def _hand_down(root: Path) -> tuple[str, ...]:
    available = set((root / "cgroup.controllers").read_text("ascii").split())
    given = set((root / _SUBTREE).read_text("ascii").split())
    wanted = tuple(name for name in _SUPPORTED if name in available - given)
    for controller in wanted:
        try:
            (root / _SUBTREE).write_text(f"+{controller}", "ascii")
        except OSError as error:
            raise ServerError(
                f"The control group {root} can't hand {controller} down to pods ({error.strerror})."
                " In a container, its processes must be in a group below the top one."
            ) from error
    return wanted


def remove(name: str, roots: list[Path], switched_on: tuple[str, ...] = ()) -> None:
    """Removes the control group, once the processes in it are gone; they are on their way out.

    Raises ServerError if they stay.
    """
    deadline = time.monotonic() + _GONE_WITHIN
    for root in roots:
        for group in _below(root / name):
            _remove_one(group, deadline)
        if _is_unified(root):
            for controller in switched_on:
                with suppress(OSError):  # somebody else has begun to use it
                    (root / _SUBTREE).write_text(f"-{controller}", "ascii")


def _below(group: Path) -> Iterator[Path]:
    """A control group and those in it, the innermost first."""
    for directory, _, _ in os.walk(group, topdown=False):
        yield Path(directory)


def _remove_one(group: Path, deadline: float) -> None:
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() >= deadline:
                raise ServerError(
                    f"The control group {group} can't be removed ({error.strerror}). "
                    "Its cgroup.procs names the processes that are in it."
                ) from error
            time.sleep(0.02)
        else:
            return
