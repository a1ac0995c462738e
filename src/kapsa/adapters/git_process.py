"""Run one git command so that it can neither hang, flood, linger nor leak.

**Credentials** reach git through a pipe. The command's `credential.helper` is a line of shell that
copies the pipe to git, in git's own form (`username=…`, `password=…`); only the pipe's number is
in the arguments. So there is no file to create, protect and delete, nothing secret in the
arguments (which any user of the machine can read) or in the environment (which every child
inherits), and the secret can be read once. Python makes descriptors that only the named child
inherits, so another git that starts at the same moment doesn't get it.

**The environment** is emptied first: variables such as `GIT_SSL_NO_VERIFY`, `GIT_CONFIG_COUNT` or
`https_proxy` would change what git does. GitPython always passes on the operator's own, hence the
launcher.

**Time and size** are bounded here and not by GitPython's `kill_after_timeout`: that one lists the
descendants with `pgrep` or `ps`, which slim images lack; then only git itself dies, its transport
helper keeps the pipes open, and the call never returns. It also bounds no memory. Here git leads a
session of its own, and the whole process group gets SIGKILL.
"""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import IO

from git.cmd import Git

from kapsa.adapters.credentials import Credentials

MEMORY_LIMIT_KIB = 256 * 1024
"""Address space of each process of the command. Git holds a listing in memory, about 300 bytes for
each ref; a hostile one must not fill the node."""

_LAUNCHER = 'ulimit -c 0 && ulimit -v "$1" && ulimit -f "$2" && shift 2 && exec env -i "$@"'
_BLOCK = 512
"""Bytes in the unit of `ulimit -f`, as POSIX has it."""
_CANCEL_CHECK = 0.1
_STDERR_KEPT = 64 * 1024
_CHUNK = 64 * 1024


class Ending(Enum):
    """How a command came to its end."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    TOO_LARGE = "too large"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class GitResult:
    """What a git command left.

    Attributes:
        ending: How it ended; unless it exited by itself, the rest is not to be used.
        status: Exit status; negative for a signal.
        output: What it wrote to standard output.
        errors: The end of what it wrote to standard error.
    """

    ending: Ending
    status: int
    output: bytes
    errors: str


@dataclass(frozen=True)
class GitCommand:
    """A git command and its bounds.

    Attributes:
        arguments: What follows `git`. They are public: any user of the machine can read them.
        environment: The whole environment of git.
        credentials: What git may answer if a server asks; no other helper is asked.
        output_limit: Most bytes of standard output.
        file_limit: Most bytes of each file that is written.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    credentials: Credentials | None
    output_limit: int
    file_limit: int = 0

    def run(self, deadline: float, cancelled: threading.Event) -> GitResult:
        """Run the command; block until it has ended, and all its descendants with it.

        Args:
            deadline: Value of `time.monotonic()` at which it is killed.
            cancelled: Once set, the command is killed within a tenth of a second.
        """
        if cancelled.is_set() or time.monotonic() >= deadline:
            ending = Ending.CANCELLED if cancelled.is_set() else Ending.TIMED_OUT
            return GitResult(ending, -1, b"", "")
        process = self._start()
        try:
            ending, output, errors = _read(process, self.output_limit, deadline, cancelled)
            if ending is Ending.EXITED:
                process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            ending = Ending.TIMED_OUT
        finally:
            _end(process)
        return GitResult(ending, process.returncode, output, errors.decode("utf-8", "replace"))

    def _start(self) -> "subprocess.Popen[bytes]":
        reader, writer = os.pipe()
        try:
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(_credential_lines(self.credentials))
            wrapper = Git(os.sep).execute(
                [
                    *("sh", "-c", _LAUNCHER, "kapsa-git", str(MEMORY_LIMIT_KIB)),
                    str(self.file_limit // _BLOCK),
                    *(f"{name}={value}" for name, value in self.environment.items()),
                    *("git", "-c", "credential.helper="),
                    *("-c", f"credential.helper={_helper(reader)}"),
                    *self.arguments,
                ],
                as_process=True,
                pass_fds=(reader,),
                start_new_session=True,
            )
        finally:
            os.close(reader)
        process, wrapper.proc = wrapper.proc, None
        assert process is not None
        return process


def _credential_lines(credentials: Credentials | None) -> bytes:
    if credentials is None:
        return b""
    return f"username={credentials.username}\npassword={credentials.password}\n".encode()


def _helper(descriptor: int) -> str:
    # It reads its input to the end first, or git could die of SIGPIPE while writing to it.
    return (
        "!kapsa() { cat >/dev/null;"
        f' if test "$1" = get; then cat /dev/fd/{descriptor}; fi; }}; kapsa'
    )


def _read(
    process: "subprocess.Popen[bytes]", limit: int, deadline: float, cancelled: threading.Event
) -> tuple[Ending, bytes, bytes]:
    """Read both streams to their end, or until a bound is met."""
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, errors)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if cancelled.is_set():
                return Ending.CANCELLED, b"", b""
            if remaining <= 0:
                return Ending.TIMED_OUT, b"", b""
            for key, _ in selector.select(min(remaining, _CANCEL_CHECK)):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                key.data.extend(chunk)
            del errors[:-_STDERR_KEPT]
            if len(output) > limit:
                return Ending.TOO_LARGE, b"", b""
    return Ending.EXITED, bytes(output), bytes(errors)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill whatever is left of the process group, and reap its leader."""
    if process.returncode is None:
        # The leader is not reaped yet, so the number still names this group and no other.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _await_closing(process.stderr)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _await_closing(stream: IO[bytes] | None) -> None:
    """Wait, for a second at most, until the last descendant has let go of its end of `stream`."""
    assert stream is not None
    until = time.monotonic() + 1
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while selector.select(max(until - time.monotonic(), 0)) and os.read(
            stream.fileno(), _CHUNK
        ):
            pass
