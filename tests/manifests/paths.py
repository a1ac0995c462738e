"""Values inside manifests, by the names, indexes and keys that lead to them."""

import copy
from collections.abc import Sequence
from typing import Any

Manifest = dict[str, Any]
Token = str | int


def replaced(manifest: Manifest, path: Sequence[Token], value: Any) -> Manifest:
    """Return a copy with `value` at `path`; whole objects on the way are made where missing."""
    if not path:
        return copy.deepcopy(value)
    changed = copy.deepcopy(manifest)
    parent: Any = changed
    for token in path[:-1]:
        parent = parent.setdefault(token, {}) if isinstance(parent, dict) else parent[token]
    parent[path[-1]] = value
    return changed


def removed(manifest: Manifest, path: Sequence[Token]) -> Manifest:
    """Return a copy without what is at `path`."""
    changed = copy.deepcopy(manifest)
    parent: Any = changed
    for token in path[:-1]:
        parent = parent[token]
    del parent[path[-1]]
    return changed


def renamed(manifest: Manifest, path: Sequence[Token], name: str) -> Manifest:
    """Return a copy in which the field at `path` is called `name`."""
    value: Any = manifest
    for token in path:
        value = value[token]
    return replaced(removed(manifest, path), (*path[:-1], name), value)
