"""Runs `go` so that it never outlives us, whatever the user's own Go settings are."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.builder.diagnosis import explain
from lab.errors import BuildError
from lab.interrupts import uninterrupted
from lab.spawn import kill_group, spawn

# Settings of the user's that would change what is built, or where it can run.
_NOT_INHERITED = {"GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GO111MODULE", "GOBIN", "GOWORK"}
_KEPT_FLAGS = ("-modcacherw", "-p=", "-insecure")


@dataclass(frozen=True)
class Go:
    """A Go toolchain: the `go` binary and its version."""

    binary: Path
    version: str


def environment(inherited: Mapping[str, str], *, cgo: bool, temporary: Path) -> dict[str, str]:
    """The environment for go: the user's proxies and caches, but none of their build settings."""
    kept_flags = [f for f in inherited.get("GOFLAGS", "").split() if f.startswith(_KEPT_FLAGS)]
    return {
        **{k: v for k, v in inherited.items() if k not in _NOT_INHERITED},
        "GOFLAGS": " ".join(["-mod=mod", "-buildvcs=false", *kept_flags]),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOTMPDIR": str(temporary),
        "CGO_ENABLED": "1" if cgo else "0",
    }


def run(
    go: Go,
    arguments: Sequence[str],
    *,
    name: str,
    cwd: Path,
    log: Path,
    cgo: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Runs `go` with `arguments`; its output goes to `log`; calls `tick` while it runs.

    Raises BuildError with the cause if it fails. If anything interrupts us, go and all the
    compilers it started are gone before the exception leaves here.
    """
    temporary = cwd / ".gotmp"
    temporary.mkdir(exist_ok=True)
    env = environment(os.environ, cgo=cgo, temporary=temporary)
    process = spawn([str(go.binary), *arguments], log=log, env=env, cwd=cwd)
    try:
        while not _ended_within(process, 0.1):
            tick()
    finally:
        with uninterrupted():
            kill_group(process, grace_seconds=2)
    if process.returncode != 0:
        raise BuildError(explain(name, process.returncode, log))


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def module_directory(
    go: Go, module_version: str, *, cwd: Path, log: Path, tick: Callable[[], None]
) -> Path:
    """Downloads a module into the module cache if need be; where it is. May raise BuildError."""
    answer = cwd / "download.json"
    answer.unlink(missing_ok=True)
    try:
        arguments = ["mod", "download", "-json", module_version]
        run(go, arguments, name=module_version, cwd=cwd, log=answer, tick=tick)
    except BuildError:
        with log.open("a", encoding="utf-8") as file:
            file.write(answer.read_text("utf-8", "replace"))
        raise BuildError(explain(module_version, 1, log)) from None
    text = answer.read_text("utf-8")  # other lines of go's may surround the answer
    return Path(json.loads(text[text.index("{") : text.rindex("}") + 1])["Dir"])


def cache_directories(go: Go) -> list[Path]:
    """Go's build cache and module cache: where most of the disk space goes."""
    command = [str(go.binary), "env", "GOCACHE", "GOMODCACHE"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return [Path(line) for line in done.stdout.splitlines() if line]
