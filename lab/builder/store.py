"""The cache of what was built, and what others brought ready-made."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from lab.builder.compile import MANIFEST
from lab.recipes import Recipe

_SCRATCH = ".building-"


@dataclass(frozen=True)
class Store:
    """The cache directory: one finished entry for each recipe, never a half-made one."""

    directory: Path

    def find(self, recipe: Recipe) -> Path | None:
        """The finished entry of a recipe; None if it isn't built, or was built differently."""
        entry = self.directory / recipe.entry
        try:
            facts = json.loads((entry / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return entry if facts.get("digest") == recipe.digest else None

    def add(self, recipe: Recipe, finished: Path) -> Path:
        """Moves a finished entry into place, all at once; where it is now."""
        entry = self.directory / recipe.entry
        if entry.exists():
            outdated = self.scratch("outdated")
            entry.replace(outdated / "entry")
            shutil.rmtree(outdated, ignore_errors=True)
        return finished.replace(entry)

    def scratch(self, purpose: str) -> Path:
        """A new directory for half-made things, on the same file system as the entries."""
        path = self.directory / f"{_SCRATCH}{purpose}-{uuid.uuid4().hex[:8]}"
        path.mkdir(parents=True, mode=0o700)
        return path

    def sweep(self) -> None:
        """Removes what killed builds left behind. Only for the holder of the build lock."""
        for path in self.directory.glob(f"{_SCRATCH}*"):
            shutil.rmtree(path, ignore_errors=True)


def ready_made(recipe: Recipe) -> Path | None:
    """A binary that is already on this machine and near enough to the recipe's version.

    Looks in KUBEBUILDER_ASSETS (envtest's convention) and, for recipes that allow it, on PATH.
    """
    if recipe.skew is None:
        return None
    places = [os.environ.get("KUBEBUILDER_ASSETS", "")]
    if recipe.on_path:
        places.append(os.environ.get("PATH", ""))
    for place in filter(None, places):
        found = shutil.which(recipe.name, path=place)
        if found and _near_enough(recipe, Path(found)):
            return Path(found)
    return None


def _near_enough(recipe: Recipe, binary: Path) -> bool:
    arguments = ["version", "--client"] if recipe.name == "kubectl" else ["--version"]
    try:
        done = subprocess.run(
            [str(binary), *arguments], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    match = re.search(r"v?(\d+)\.(\d+)\.\d+", done.stdout)
    if match is None:
        return False
    major, minor = (int(part) for part in recipe.version.split(".")[:2])
    return int(match[1]) == major and abs(int(match[2]) - minor) <= (recipe.skew or 0)
