"""Builds the laboratory's servers once and keeps them.

`build(recipes)` is all the rest of the laboratory needs.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.builder.compile import Workshop, make
from lab.builder.diagnosis import NO_COMPILER, NO_SPACE
from lab.builder.gocommand import Go, cache_directories
from lab.builder.progress import Display, display
from lab.builder.store import Store, ready_made
from lab.builder.toolchain import find_go
from lab.errors import BuildError
from lab.interrupts import sigterm_interrupts, uninterrupted
from lab.lock import exclusive
from lab.paths import cache_directory
from lab.recipes import Recipe, Toolchain, book, steps

Artifacts = dict[str, Path]
"""What was asked for, by recipe name: the program, or for a data recipe its directory."""


def build(recipes: Iterable[Recipe], *, show: Display | None = None) -> Artifacts:
    """Builds what is not in the cache yet; where everything is.

    Shows its progress on standard error. Raises BuildError; KeyboardInterrupt passes through
    after the half-built entry is gone.
    """
    wanted = tuple(recipes)
    store = Store(cache_directory())
    missing = [recipe for recipe in wanted if _find(recipe, store) is None]
    if missing:
        with sigterm_interrupts():
            if show is not None:
                _build_missing(missing, store, show)
            else:
                with display() as shown:
                    _build_missing(missing, store, shown)
    return {recipe.name: _must_find(recipe, store) for recipe in wanted}


def is_built(recipe: Recipe) -> bool:
    """Whether a recipe needs no building."""
    return _find(recipe, Store(cache_directory())) is not None


def _find(recipe: Recipe, store: Store) -> Path | None:
    if brought := ready_made(recipe):
        return brought
    entry = store.find(recipe)
    if entry is None:
        return None
    return entry / recipe.name if recipe.is_program else entry


def _must_find(recipe: Recipe, store: Store) -> Path:
    found = _find(recipe, store)
    if found is None:
        raise BuildError(f"{store.directory / recipe.entry} vanished. Run the command again.")
    return found


def _build_missing(missing: list[Recipe], store: Store, show: Display) -> None:
    _check_compiler(missing)
    with exclusive(store.directory / "lock", "build", show.say):
        store.sweep()
        # Somebody else may have built it while we waited.
        todo = steps(recipe for recipe in missing if store.find(recipe) is None)
        if not todo:
            return
        go = find_go(_toolchain(), store.directory, show.say)
        _check_space([store.directory, *cache_directories(go)], todo)
        for number, step in enumerate(todo, start=1):
            title = f"{', '.join(recipe.name for recipe in step)} {step[0].version}"
            show.start(title, number, len(todo), sum(recipe.seconds for recipe in step))
            _build_step(step, store, go, show.tick)
            show.finish()


def _build_step(step: tuple[Recipe, ...], store: Store, go: Go, tick: Callable[[], None]) -> None:
    work = store.scratch(step[0].entry)
    logs = store.directory / "logs"
    logs.mkdir(exist_ok=True)
    log = logs / f"{step[0].entry}.log"
    log.write_bytes(b"")
    try:
        entries = make(step, Workshop(go, work, log, tick))
        for recipe in step:
            store.add(recipe, entries[recipe.name])
    except OSError as error:
        raise BuildError(
            f"{NO_SPACE} ({error})" if error.errno == errno.ENOSPC else str(error)
        ) from error
    finally:
        with uninterrupted():
            shutil.rmtree(work, ignore_errors=True)


def _toolchain() -> Toolchain:
    return book().toolchain


def _check_compiler(recipes: Iterable[Recipe]) -> None:
    compiler = os.environ.get("CC", "").split()[:1] or ["gcc"]
    for recipe in recipes:
        if recipe.cgo and not shutil.which(compiler[0]):
            raise BuildError(NO_COMPILER.format(name=recipe.name))


def _check_space(places: Iterable[Path], todo: list[tuple[Recipe, ...]]) -> None:
    needed = sum(recipe.disk_mb for step in todo for recipe in step) * 1_000_000
    for place in places:
        existing = next(path for path in (place, *place.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        if free < needed:
            raise BuildError(
                f"Building needs about {needed / 1e9:.1f} GB, and {existing} has "
                f"{free / 1e9:.1f} GB left. {NO_SPACE}"
            )
