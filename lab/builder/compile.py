"""Makes the cache entries of one step in a work directory. Knows Go modules, not the cache."""

from __future__ import annotations

import json
import re
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.builder.gocommand import Go, module_directory, run
from lab.recipes import Recipe

MANIFEST = "built.json"
_STAGED = r"^\s*(?:replace )?(\S+) => \./staging/src/\S+$"


@dataclass(frozen=True)
class Workshop:
    """What building a step needs: the toolchain, a work directory, a log, a heartbeat."""

    go: Go
    directory: Path
    log: Path
    tick: Callable[[], None]


def make(step: tuple[Recipe, ...], shop: Workshop) -> dict[str, Path]:
    """Builds every recipe of a step; the finished entry of each, in the work directory.

    The recipes of a step share module, version and way. Raises BuildError.
    """
    began = time.monotonic()
    first = step[0]
    module = _module(first, shop)
    programs = shop.directory / "programs"
    programs.mkdir()
    if first.is_program:
        _compile(step, module, programs, shop)
    entries: dict[str, Path] = {}
    for recipe in step:
        entry = shop.directory / "entries" / recipe.entry
        entry.mkdir(parents=True)
        if recipe.is_program:
            (programs / recipe.name).replace(entry / recipe.name)
        _keep(recipe, module, entry)
        _write_manifest(recipe, shop.go, entry, time.monotonic() - began)
        entries[recipe.name] = entry
    return entries


def _module(recipe: Recipe, shop: Workshop) -> Path:
    """Where the module is that a recipe is made from: for a program of ours, its own source."""
    if recipe.way == "own":
        return recipe.sources[0].parent
    return module_directory(
        shop.go, recipe.module_version, cwd=shop.directory, log=shop.log, tick=shop.tick
    )


def _compile(step: tuple[Recipe, ...], module: Path, programs: Path, shop: Workshop) -> None:
    first = step[0]
    sources = shop.directory / "src"
    if first.way == "copy":
        _copy_writable(module, sources)
        _make_blank(first, sources)
    else:
        sources.mkdir()
        upstream = "" if first.way == "own" else (module / "go.mod").read_text("utf-8")
        text = own_go_mod(first, upstream)
        (sources / "go.mod").write_text(text, "utf-8")
        for path in first.sources:
            shutil.copyfile(path, sources / path.name)
    # With several packages `go build` wants a directory and names the programs by their paths;
    # the single one is named by us ("server/v3" would become "server").
    output = programs if len(step) > 1 else programs / first.name
    stamps = [f"-X '{stamp}'" for stamp in first.stamps]
    arguments = ["build", "-trimpath", "-ldflags", " ".join(["-s", "-w", *stamps])]
    if first.tags:
        arguments += ["-tags", ",".join(first.tags)]
    arguments += ["-o", str(output), *(recipe.package for recipe in step)]
    title = ", ".join(recipe.name for recipe in step)
    run(
        shop.go,
        arguments,
        name=title,
        cwd=sources,
        log=shop.log,
        cgo=first.cgo,
        tick=shop.tick,
    )


def own_go_mod(recipe: Recipe, upstream: str) -> str:
    """A go.mod that requires the recipe's module, given the text of the module's own go.mod.

    Each line `X => ./staging/src/X` there becomes a replacement by X's published version. A
    program of ours requires nothing.
    """
    language = re.search(r"^go (\S+)$", upstream, re.MULTILINE)
    lines = ["module kapsa.invalid/lab", f"go {language[1] if language else '1.26'}"]
    if recipe.way != "own":
        lines.append(f"require {recipe.module} v{recipe.version}")
    if recipe.staging:
        staged = re.findall(_STAGED, upstream, re.MULTILINE)
        lines += [f"replace {name} => {name} {recipe.staging}" for name in staged]
    return "\n".join(lines) + "\n"


def _copy_writable(source: Path, target: Path) -> None:
    # The module cache is read-only, files and directories alike.
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for directory in (target, *(p for p in target.rglob("*") if p.is_dir())):
        directory.chmod(stat.S_IRWXU)


def _make_blank(recipe: Recipe, sources: Path) -> None:
    for name in recipe.blank:
        path = sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _keep(recipe: Recipe, module: Path, entry: Path) -> None:
    for name in recipe.keep:
        source, target = module / name, entry / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            _copy_writable(source, target)
        else:
            shutil.copyfile(source, target)
    # Gitea may run as another user than the one who built it.
    for path in (entry, *entry.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.name == recipe.name else 0o644)


def _write_manifest(recipe: Recipe, go: Go, entry: Path, seconds: float) -> None:
    facts = {
        "name": recipe.name,
        "version": recipe.version,
        "digest": recipe.digest,
        "go": go.version,
        "seconds": round(seconds),
    }
    (entry / MANIFEST).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
