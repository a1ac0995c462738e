"""Watches over server processes: are they alive, are they ready, end them surely."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.builder.diagnosis import last_lines
from lab.deadline import Deadline
from lab.errors import ServerError
from lab.identity import Identity, group_members, is_alive

_LISTENING = "0A"


class ServerDiedError(ServerError):
    """The process ended while it was waited for; the message has the last lines of its log."""


def wait_ready(
    name: str,
    identity: Identity,
    ready: Callable[[], bool],
    *,
    log: Path,
    seconds: float,
) -> None:
    """Returns once `ready` says so, polling it for at most `seconds`.

    Raises ServerDiedError as soon as the process has ended, and ServerError at the deadline; both
    with the last lines of its log.
    """
    deadline = Deadline(seconds)
    while True:
        # Asked before and after: somebody else's server may answer on a port we lost.
        if is_alive(identity) and ready() and is_alive(identity):
            return
        if not is_alive(identity):
            raise ServerDiedError(f"{name} ended while starting. {_tail(log)}")
        if deadline.has_passed:
            raise ServerError(f"{name} was not ready within {seconds:.0f} s. {_tail(log)}")
        time.sleep(0.05)


def _tail(log: Path) -> str:
    return f"The last lines of {log}:\n{last_lines(log) or '(it wrote nothing)'}"


def stop(name: str, identity: Identity, grace_seconds: float = 5) -> None:
    """Ends the process and its group: SIGTERM, and SIGKILL after `grace_seconds`.

    Does nothing if it is gone already, or if its pid belongs to another process by now. Raises
    ServerError if it may not be signalled or survives.
    """
    if not is_alive(identity):
        return
    group = group_members(identity.pid)
    _signal(name, identity, signal.SIGTERM)
    _wait_gone([identity], grace_seconds)
    for member in group:
        if is_alive(member):
            _signal(name, member, signal.SIGKILL)
    if not _wait_gone([identity], 10):
        raise ServerError(f"{name} (pid {identity.pid}) survives SIGKILL: look at it with `ps`.")


def _signal(name: str, identity: Identity, number: signal.Signals) -> None:
    try:
        os.kill(identity.pid, number)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise ServerError(
            f"{name} (pid {identity.pid}) belongs to another user. Stop the laboratory as the "
            "user who started it."
        ) from error


def _wait_gone(identities: list[Identity], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_alive(identity) for identity in identities):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def reap(child: subprocess.Popen[bytes] | None) -> None:
    """Takes the exit code of an ended child, so that no zombie stays and Python is content."""
    if child is not None:
        child.wait(timeout=10)


def free_port(preferred: int = 0) -> int:
    """A port on the loopback address that nobody listens on at this moment.

    It is the preferred one where that is free and we may listen on it.
    """
    with socket.socket() as listener:
        # As servers do: connections that ended just now keep nobody from listening.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", preferred))
        except OSError:
            listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(pid: int, port: int) -> bool:
    """Whether this very process (not somebody else) listens on the TCP port."""
    inodes = _listening_inodes(port)
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:[") and target[8:-1] in inodes:
            return True
    return False


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(columns[9])
    return inodes
