"""Many previews at once on a laboratory: what they cost the operator and the API server.

Run it with `python -m benchmarks.previews --count 500`.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import lab
from lab.gateway_api import install_gateway_api
from lab.operator import OperatorProcess, install, running_operator
from lab.scenario import Application, admin_objects, application, is_ready, wait_for
from tests.integration.audit import operator_writes

LIMIT_MIB = 120.0
"""Most memory that the operator may take at its peak."""

_SETTINGS = {"KAPSA_MIN_POLL_INTERVAL": "1", "KAPSA_LOG_LEVEL": "WARNING"}
_READY_WITHIN = 1800.0
_QUIET_SECONDS = 60.0
_PUSHED_AT_ONCE = 100
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


def main() -> int:
    """Run the benchmark and print what it found; 1 if the operator took too much memory."""
    asked = _arguments()
    with lab.running("test") as platform:
        install_gateway_api(platform)
        install(platform)
        assert platform.registry is not None
        with application(platform, "shop", "team-a") as app:
            app.apply(*admin_objects(platform.registry), *app.team())
            _push(app, asked.count)
            with running_operator(platform, _SETTINGS) as operator:
                peak = _measure(app, operator, asked.count)
    if peak > asked.limit:
        print(f"FAILED: more than {asked.limit:.0f} MiB", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="number of previews, up to 500")
    parser.add_argument("--limit", type=float, default=LIMIT_MIB, help="MiB beyond which it fails")
    asked = parser.parse_args()
    if not 0 < asked.count <= 500:
        parser.error("a Project has at most 500 previews at a time")
    return asked


def _push(app: Application, count: int) -> None:
    """Make the branches; they share a commit, and so its image."""
    app.commit("main")
    names = [f"HEAD:refs/heads/preview/{number:03}" for number in range(count)]
    for start in range(0, count, _PUSHED_AT_ONCE):
        app.worktree.git("push", "--quiet", "origin", *names[start : start + _PUSHED_AT_ONCE])


def _measure(app: Application, operator: OperatorProcess, count: int) -> float:
    """Print what the previews cost; return the operator's peak (MiB) until they were Ready."""
    _show("operator, idle", Memory.of(operator.pid))
    offset, began = app.platform.audit_log.stat().st_size, time.monotonic()
    app.apply(
        app.project(
            environments=[],
            previewEnvironments={"branches": {"enabled": True}, "maxActive": count},
        )
    )
    wait_for(f"{count} previews are Ready", lambda: _ready(app) == count, _READY_WITHIN)
    _show(f"{count} previews Ready after", f"{time.monotonic() - began:.1f} s")
    _wait_until_quiet(app)
    _show(f"operator, {count} previews", Memory.of(operator.pid))
    writes = Counter(_kind(write) for write in operator_writes(app.platform.audit_log, offset))
    for kind, number in sorted(writes.items()):
        _show(f"  {kind}", f"{number / count:.2f} for each preview")
    _show("  all writes", f"{writes.total() / count:.2f} for each preview")

    offset = app.platform.audit_log.stat().st_size
    time.sleep(_QUIET_SECONDS)
    quiet = operator_writes(app.platform.audit_log, offset)
    _show("writes in a quiet minute", f"{len(quiet)}: {', '.join(quiet) or 'none'}")
    memory = Memory.of(operator.pid)
    _show("operator, after it", memory)
    _restart(app, operator)
    return memory.peak


def _restart(app: Application, operator: OperatorProcess) -> None:
    """Print what it costs to find them all at the next start."""
    offset = app.platform.audit_log.stat().st_size
    operator.stop()
    operator.start()
    _wait_until_quiet(app)
    _show("operator, started again", Memory.of(operator.pid))
    _show("writes at that", len(operator_writes(app.platform.audit_log, offset)))


def _ready(app: Application) -> int:
    return sum(map(is_ready, app.list("environments")))


def _wait_until_quiet(app: Application) -> None:
    """Return once the operator has written nothing for some looks: the last news are told."""
    seen = [-1] * 5

    def look() -> bool:
        time.sleep(1.0)
        seen.append(len(operator_writes(app.platform.audit_log)))
        return len(set(seen[-5:])) == 1

    wait_for("the operator is quiet", look, _READY_WITHIN)


def _kind(write: str) -> str:
    """Return verb and resource of a write."""
    return " ".join(write.split()[:2])


def _show(what: str, value: object) -> None:
    print(f"{what:<40} {value}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
