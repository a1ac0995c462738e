"""What the benchmarks have in common: previews in any number, and what is read off a process."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.platform import Platform
from lab.scenario import Application, is_ready, wait_for
from tests.integration.audit import operator_writes

MOST_IN_A_PROJECT: Final = 500
"""Most previews that a Project may have at a time."""
SETTINGS: Final = {"KAPSA_MIN_POLL_INTERVAL": "1", "KAPSA_LOG_LEVEL": "WARNING"}
"""Settings of the operator that is measured."""
READY_WITHIN: Final = 1800.0
"""Seconds after which a benchmark is given up."""

_PUSHED_AT_ONCE = 100
_BETWEEN_LOOKS = 1.0
"""Seconds between two looks at everything: each is work for the API server that is measured."""
_KIB_IN_MIB = 1024.0


@dataclass(frozen=True)
class Memory:
    """What the operator's process takes (MiB): now, and at most so far."""

    current: float
    peak: float

    @classmethod
    def of(cls, pid: int) -> Memory:
        """Return what Linux says of a process.

        Source: https://www.kernel.org/doc/html/latest/filesystems/proc.html#process-specific-subdirectories
        """
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        values = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", status, re.MULTILINE))
        return cls(int(values["VmRSS"]) / _KIB_IN_MIB, int(values["VmHWM"]) / _KIB_IN_MIB)

    def __str__(self) -> str:
        return f"{self.current:.1f} MiB now, {self.peak:.1f} MiB at most"


def push_branches(app: Application, count: int) -> None:
    """Make the branches of `count` previews; they share a commit, and so its image."""
    app.commit("main")
    names = [f"HEAD:refs/heads/preview/{number:03}" for number in range(count)]
    for start in range(0, count, _PUSHED_AT_ONCE):
        app.worktree.git("push", "--quiet", "origin", *names[start : start + _PUSHED_AT_ONCE])


def previews_of(app: Application, count: int, **spec: Any) -> None:
    """Have the Project show its branches, at most `count` of them, and nothing else; 0 for none."""
    previews: dict[str, Any] = {"enabled": False}
    if count:
        previews = {"branches": {"enabled": True}, "maxActive": count}
    app.apply(app.project(environments=[], previewEnvironments=previews, **spec))


def wait_until_ready(app: Application, count: int) -> None:
    """Return once that many Environments of the whole cluster are Ready."""

    def look() -> bool:
        time.sleep(_BETWEEN_LOOKS)
        return sum(map(is_ready, app.list("environments"))) == count

    wait_for(f"{count} previews are Ready", look, READY_WITHIN)


def wait_until_gone(app: Application) -> None:
    """Return once there is no Environment in the whole cluster."""

    def look() -> bool:
        time.sleep(_BETWEEN_LOOKS)
        return not app.list("environments")

    wait_for("no preview is left", look, READY_WITHIN)


def wait_until_quiet(platform: Platform) -> None:
    """Return once the operator has written nothing for some looks: the last news are told."""
    seen = [-1] * 5

    def look() -> bool:
        time.sleep(_BETWEEN_LOOKS)
        seen.append(len(operator_writes(platform.audit_log)))
        return len(set(seen[-5:])) == 1

    wait_for("the operator is quiet", look, READY_WITHIN)


def show(what: str, value: object) -> None:
    """Print a line of what a benchmark found."""
    print(f"{what:<40} {value}", flush=True)
