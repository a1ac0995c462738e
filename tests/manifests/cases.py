"""All invalid manifests, made once for the tests that try them."""

from typing import Final

from tests.manifests.invalid import Invalid, InvalidUpdate
from tests.manifests.mechanical import mechanical_cases
from tests.manifests.rules import ROOT, handwritten_cases
from tests.manifests.typos import Typo, typos
from tests.manifests.updates import update_cases

INVALID: Final[tuple[Invalid, ...]] = (*mechanical_cases(), *handwritten_cases())
"""Manifests that can't be created."""

UPDATES: Final[tuple[InvalidUpdate, ...]] = tuple(update_cases())
"""Changes that can't be made."""

TYPOS: Final[tuple[Typo, ...]] = tuple(typos())
"""Manifests with a field that nobody knows."""


def is_around(field: str, path: str) -> bool:
    """Tell whether a field is the one at `path`, or one that it is in, or one that is in it."""
    if ROOT in (field, path):
        return True
    one, other = _steps(field), _steps(path)
    return all(a == b for a, b in zip(one, other, strict=False))


def _steps(path: str) -> list[str]:
    return path.replace("[", ".").replace("]", "").split(".")
