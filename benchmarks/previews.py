"""Many previews at once on a laboratory: what they cost the operator and the API server.

Run it with `python -m benchmarks.previews --count 500`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import lab
from benchmarks.installation import installed_operator
from benchmarks.measuring import (
    MOST_IN_A_PROJECT,
    SETTINGS,
    Memory,
    previews_of,
    push_branches,
    show,
    wait_until_quiet,
    wait_until_ready,
)
from lab.gateway_api import install_gateway_api
from lab.operator import OperatorProcess, install, running_operator
from lab.scenario import Application, admin_objects, application
from tests.integration.audit import operator_writes

LIMIT_MIB = 120.0
"""Most memory that the operator may take at its peak."""

_QUIET_SECONDS = 60.0


def main() -> int:
    """Run the benchmark and print what it found; 1 if the operator took too much memory."""
    asked = _arguments()
    command = installed_operator()
    with lab.running("test") as platform:
        install_gateway_api(platform)
        install(platform)
        assert platform.registry is not None
        with application(platform, "shop", "team-a") as app:
            app.apply(*admin_objects(platform.registry), *app.team())
            push_branches(app, asked.count)
            with running_operator(platform, SETTINGS, command=command) as operator:
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
    if not 0 < asked.count <= MOST_IN_A_PROJECT:
        parser.error(f"a Project has at most {MOST_IN_A_PROJECT} previews at a time")
    return asked


def _measure(app: Application, operator: OperatorProcess, count: int) -> float:
    """Print what the previews cost; return the operator's peak (MiB), also after a restart."""
    show("operator, idle", Memory.of(operator.pid))
    offset, began = app.platform.audit_log.stat().st_size, time.monotonic()
    previews_of(app, count)
    wait_until_ready(app, count)
    show(f"{count} previews Ready after", f"{time.monotonic() - began:.1f} s")
    wait_until_quiet(app.platform)
    show(f"operator, {count} previews", Memory.of(operator.pid))
    writes = Counter(_kind(write) for write in operator_writes(app.platform.audit_log, offset))
    for kind, number in sorted(writes.items()):
        show(f"  {kind}", f"{number / count:.2f} for each preview")
    show("  all writes", f"{writes.total() / count:.2f} for each preview")

    offset = app.platform.audit_log.stat().st_size
    time.sleep(_QUIET_SECONDS)
    quiet = operator_writes(app.platform.audit_log, offset)
    show("writes in a quiet minute", f"{len(quiet)}: {', '.join(quiet) or 'none'}")
    memory = Memory.of(operator.pid)
    show("operator, after it", memory)
    return max(memory.peak, _restart(app, operator).peak)


def _restart(app: Application, operator: OperatorProcess) -> Memory:
    """Print what it costs to find them all at the next start; return what that takes."""
    offset = app.platform.audit_log.stat().st_size
    operator.stop()
    operator.start()
    wait_until_quiet(app.platform)
    memory = Memory.of(operator.pid)
    show("operator, started again", memory)
    show("writes at that", len(operator_writes(app.platform.audit_log, offset)))
    return memory


def _kind(write: str) -> str:
    """Return verb and resource of a write."""
    return " ".join(write.split()[:2])


if __name__ == "__main__":
    sys.exit(main())
