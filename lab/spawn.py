"""Starts child processes that are their own group and, if wanted, die with us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab.identity import group_members

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

# The kernel sends the parent-death signal when the *thread* that started the child ends. One
# thread that lives as long as this process starts them all, so that a server started from a
# short-lived worker thread doesn't die with it.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-spawner")


@dataclass(frozen=True)
class User:
    """An unprivileged system user to run a server as."""

    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: User | None = None,
    die_with_parent: bool = True,
) -> subprocess.Popen[bytes]:
    """Starts `argv` in its own session and process group, its output appended to `log`.

    `env` replaces the whole environment. With `die_with_parent` the kernel kills the process
    (not its children) when we end, however we end. Raises OSError if it can't be executed.
    """
    parent = os.getpid()
    wants_death = die_with_parent and sys.platform == "linux"

    def die_with_us() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # we died between fork and prctl
            os._exit(1)

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
                # The two system calls in it allocate nothing and take no lock.
                preexec_fn=die_with_us if wants_death else None,  # noqa: PLW1509
            )

    return _SPAWNER.submit(start).result()


def kill_group(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ends the process and its group: SIGTERM, after `grace_seconds` SIGKILL; reaps it."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        if _gone_within(process, seconds):
            break
    process.poll()


def _gone_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None and not group_members(process.pid):
            return True
        time.sleep(0.02)
    return False
