"""Turns the output of a failed `go` into one paragraph that says what to do."""

from __future__ import annotations

import re
from pathlib import Path

_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_NO_COMPILER = re.compile(
    r"C compiler \"?[^\"\n]*\"? not found|cgo: exec .*not found|"
    r"exec: \"(gcc|cc|clang)\": executable file not found|"
    r"fatal error: std(lib|io|int)\.h: No such file",
    re.IGNORECASE,
)
_NO_NETWORK = re.compile(
    r"dial tcp|no such host|connection refused|connection reset|i/o timeout|proxyconnect|"
    r"TLS handshake timeout|network is unreachable|module lookup disabled|"
    r"tls: failed to verify|server misbehaving|(?:reading|Get) \"?https?://\S+: ",
    re.IGNORECASE,
)
_NO_MEMORY = re.compile(r"signal: killed|cannot allocate memory|out of memory", re.IGNORECASE)
_OLD_GO = re.compile(r"requires go >= (\S+).*running go (\S+)", re.IGNORECASE)

NO_SPACE = (
    "The disk is full. Free some space (`go clean -cache` empties Go's own build cache), or "
    "point XDG_CACHE_HOME, GOCACHE and GOMODCACHE at a bigger disk, and run the command again: "
    "what was finished is kept."
)
NO_COMPILER = (
    "{name} needs a C compiler and the C library's headers, because it brings SQLite. Install "
    "them (Debian, Ubuntu: `apt install gcc libc6-dev`; Fedora: `dnf install gcc`; "
    "Alpine: `apk add gcc musl-dev`), or name another compiler in CC, and run the command again."
)
NO_NETWORK = (
    "Go could not download modules. Check the network; behind a company proxy set HTTPS_PROXY, "
    "or GOPROXY to your module proxy (and GONOSUMDB or GOSUMDB if the checksum database can't "
    "be reached), and run the command again: what was downloaded is kept."
)
NO_MEMORY = (
    "The compiler was killed, most likely because the machine ran out of memory. Close something "
    "big, or run with GOFLAGS=-p=1, which compiles one package at a time (about 3 GB are needed)."
)


def last_lines(path: Path, count: int = 20) -> str:
    """The last `count` lines of a text file; empty if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def explain(name: str, exit_code: int, log: Path) -> str:
    """What to tell the user when building `name` failed; reads the log for known causes."""
    text = last_lines(log, 200)
    advice = _advice(name, text)
    shown = last_lines(log, 5 if advice else 20) or "(go wrote nothing)"
    lead = advice or f"Building {name} failed: go ended with {exit_code}."
    return f"{lead}\nThe last lines of {log}:\n{shown}"


def _advice(name: str, text: str) -> str:
    if _NO_SPACE.search(text):
        return NO_SPACE
    if _NO_COMPILER.search(text):
        return NO_COMPILER.format(name=name)
    if found := _OLD_GO.search(text):
        return (
            f"{name} needs Go {found[1]}, but this is {found[2]}. Install a newer Go, or take "
            "the old one off PATH: the laboratory then fetches its own."
        )
    if _NO_NETWORK.search(text):
        return NO_NETWORK
    if _NO_MEMORY.search(text):
        return NO_MEMORY
    return ""
