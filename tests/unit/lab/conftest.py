from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.recipes import Recipe

FAKE_GO = """#!{python} -SE
import json, os, pathlib, subprocess, sys, time
here = pathlib.Path({here!r})
arguments = sys.argv[1:]
if arguments[:1] == ["env"]:
    print("go1.26.8" if arguments[1] == "GOVERSION" else str(here))
    sys.exit()
if arguments[:2] == ["mod", "download"]:
    print(json.dumps({{"Dir": str(here / "module")}}))
    sys.exit()
with (here / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
(here / "environment").write_text(json.dumps(dict(os.environ)))
behaviour = (here / "behaviour").read_text()
exec(behaviour)
output = pathlib.Path(arguments[arguments.index("-o") + 1])
packages = arguments[arguments.index("-o") + 2:]
for package in packages:
    target = output / package.rsplit("/", 1)[-1] if len(packages) > 1 else output
    target.write_text("#!/bin/sh\\n")
"""


@dataclass
class FakeGo:
    """A `go` on PATH that records its calls and runs `behaviour` (Python) when it builds."""

    directory: Path
    cache: Path
    spoken: list[str] = field(default_factory=list)

    def behave(self, code: str) -> None:
        (self.directory / "behaviour").write_text(code, "utf-8")

    def builds(self) -> list[str]:
        calls = self.directory / "calls"
        return calls.read_text("utf-8").splitlines() if calls.exists() else []

    def leftovers(self) -> list[str]:
        return [path.name for path in self.cache.glob(".building-*")]


class SilentDisplay:
    """Remembers what it is told."""

    def __init__(self, on_tick: Callable[[], None] = lambda: None) -> None:
        self.lines: list[str] = []
        self._on_tick = on_tick

    def say(self, message: str) -> None:
        self.lines.append(message)

    def start(self, title: str, number: int, total: int, seconds: int) -> None:
        self.lines.append(f"{number}/{total} {title}")

    def tick(self) -> None:
        self._on_tick()

    def finish(self) -> None:
        self.lines.append("done")


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    directory = tmp_path / "bin"
    (directory / "module").mkdir(parents=True)
    (directory / "module" / "go.mod").write_text("module example.invalid/x\n\ngo 1.25.0\n")
    script = directory / "go"
    script.write_text(FAKE_GO.format(python=sys.executable, here=str(directory)), "utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    fake = FakeGo(directory, tmp_path / "cache" / "kapsa" / "lab")
    fake.behave("")
    return fake


def recipe(
    name: str = "server", *, cgo: bool = False, group: str = "", skew: int | None = None
) -> Recipe:
    return Recipe(
        name=name,
        version="1.2.3",
        module="example.invalid/x",
        way="require",
        seconds=1,
        disk_mb=1,
        package=f"example.invalid/x/cmd/{name}",
        cgo=cgo,
        group=group,
        skew=skew,
    )
