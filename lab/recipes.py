"""Reads recipes.toml: what the laboratory is made of, in exact versions."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from lab.errors import LabError

Way = Literal["require", "copy", "own", "data"]
NodeKind = Literal["real", "simulated"]
Asked = Literal["auto", "real", "simulated"]
"""What a person asks for: with `auto`, a real node where this machine can have one."""

USUAL_PROFILES: Final[dict[NodeKind, str]] = {"real": "routing", "simulated": "demo"}
"""What a laboratory has if nobody says otherwise: where containers run, a router leads to them."""

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """How one program, or one set of files, is made from a Go module. See recipes.toml."""

    name: str
    version: str
    module: str
    way: Way
    seconds: int
    disk_mb: int
    package: str = ""
    source: str = ""
    staging: str = ""
    group: str = ""
    tags: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    cgo: bool = False
    skew: int | None = None
    on_path: bool = False

    @property
    def entry(self) -> str:
        """The name of the recipe's directory in the cache."""
        return f"{self.name}-{self.version}"

    @property
    def module_version(self) -> str:
        """The module with its version, as the go command wants it."""
        return f"{self.module}@v{self.version}"

    @property
    def is_program(self) -> bool:
        """Whether there is something to compile."""
        return self.way != "data"

    @property
    def digest(self) -> str:
        """Changes when anything that shapes the result changes: a cached entry must match."""
        shape = [getattr(self, f.name) for f in fields(self) if f.name not in _DOES_NOT_SHAPE]
        texts = [(path.name, path.read_text("utf-8")) for path in self.sources]
        return hashlib.sha256(repr([*shape, *texts, *self.blank]).encode()).hexdigest()[:16]

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files of our own that are compiled against the module; none for most recipes."""
        return tuple(sorted((_HERE / self.source).glob("*.go"))) if self.source else ()


_DOES_NOT_SHAPE = {"seconds", "disk_mb", "skew", "on_path", "group", "source", "blank"}


@dataclass(frozen=True)
class Toolchain:
    """Which Go is good enough, and which wheel brings one where it is missing."""

    minimum: str
    wheel: str
    wheel_version: str


@dataclass(frozen=True)
class RecipeBook:
    """All recipes, the profiles that choose among them, and the toolchain."""

    recipes: Mapping[str, Recipe]
    profiles: Mapping[str, tuple[str, ...]]
    toolchain: Toolchain

    def profile(self, name: str) -> tuple[Recipe, ...]:
        """The recipes of a profile, in building order; LabError if there is no such profile."""
        if name not in self.profiles:
            known = ", ".join(self.profiles)
            raise LabError(f"There is no profile {name!r}. Profiles: {known}.")
        return self.select(self.profiles[name])

    def laboratory(self, profile: str, node: NodeKind) -> tuple[Recipe, ...]:
        """The recipes of a profile with that kind of node; LabError if there is no such profile."""
        members = self.profile(profile)
        if node == "simulated":
            return members
        return (*(each for each in members if each.name != "kwok"), *self.profile("node"))

    def select(self, names: Iterable[str]) -> tuple[Recipe, ...]:
        """The named recipes, each once, in the given order; LabError for an unknown name."""
        chosen: dict[str, Recipe] = {}
        for name in names:
            if name not in self.recipes:
                known = ", ".join(self.recipes)
                raise LabError(f"There is no recipe {name!r}. Recipes: {known}.")
            chosen[name] = self.recipes[name]
        return tuple(chosen.values())


def steps(recipes: Iterable[Recipe]) -> list[tuple[Recipe, ...]]:
    """Puts recipes that share a group into one step, at the place of the first of them."""
    grouped: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        grouped.setdefault(recipe.group or f"only {recipe.name}", []).append(recipe)
    return [tuple(members) for members in grouped.values()]


def parse(text: str) -> RecipeBook:
    """Reads a recipe book; TypeError or ValueError say what is wrong with it."""
    data = tomllib.loads(text)
    recipes = {name: _recipe(name, table) for name, table in data["recipes"].items()}
    profiles: dict[str, tuple[str, ...]] = {}
    for name, members in data["profiles"].items():
        found = [recipe for member in members for recipe in profiles.get(member, (member,))]
        profiles[name] = tuple(dict.fromkeys(found))
    for name, members in profiles.items():
        if unknown := set(members) - set(recipes):
            raise ValueError(f"profile {name} names unknown recipes: {sorted(unknown)}")
    return RecipeBook(recipes, profiles, Toolchain(**data["toolchain"]))


def _recipe(name: str, table: Mapping[str, Any]) -> Recipe:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    recipe = Recipe(name=name, **values)
    if recipe.way not in get_args(Way):
        raise ValueError(f"recipe {name}: way {recipe.way!r} is none of {get_args(Way)}")
    if recipe.is_program != bool(recipe.package):
        raise ValueError(f"recipe {name}: a program, and only a program, has a package")
    if recipe.way == "own" and not recipe.source:
        raise ValueError(f"recipe {name}: a program of way own has a source")
    if recipe.source and (recipe.way not in ("require", "own") or not recipe.sources):
        raise ValueError(f"recipe {name}: source is a directory of Go files, for require and own")
    return recipe


@cache
def book() -> RecipeBook:
    """The recipe book that ships with the laboratory."""
    return parse((_HERE / "recipes.toml").read_text(encoding="utf-8"))
