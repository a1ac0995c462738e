"""Keeps objects in little memory: thousands of them say the same words.

Each object that is read has a copy of its own of every key and every text in it, and each model a
set of its own with the names of the fields that were given. More than half of what is held would be
such copies.
"""

import sys
from typing import Any

from pydantic import BaseModel

_MOST_TEXTS = 10_000
"""Texts at which those that were shared so far are forgotten: most are of objects long gone."""

_MOST_SETS = 1_000

_texts: dict[str, str] = {}
_sets: dict[frozenset[str], set[str]] = {}


class Held(dict[str, Any]):
    """An object that a cache holds: nobody changes it, and so it need be understood only once.

    Attributes:
        parsed: What `kapsa.controllers.state.parse` made of it; unset until somebody asked.
    """

    __slots__ = ("parsed",)

    parsed: Any


def held(manifest: dict[str, Any]) -> Held:
    """Return an equal object that shares its keys and texts with the others that are held."""
    return Held(_compact(manifest))


def lighten(value: object) -> None:
    """Have a frozen model, and those in it, share the sets of their fields with others."""
    if isinstance(value, BaseModel):
        given = value.model_fields_set
        if len(_sets) >= _MOST_SETS:
            _sets.clear()
        shared = _sets.setdefault(frozenset(given), given)
        object.__setattr__(value, "__pydantic_fields_set__", shared)
        for part in vars(value).values():
            lighten(part)
    elif isinstance(value, tuple):
        for part in value:
            lighten(part)


def _compact(value: Any) -> Any:
    if isinstance(value, dict):
        return {sys.intern(key): _compact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_compact(item) for item in value]
    return _shared(value) if isinstance(value, str) else value


def _shared(text: str) -> str:
    if len(_texts) >= _MOST_TEXTS:
        _texts.clear()
    return _texts.setdefault(text, text)
