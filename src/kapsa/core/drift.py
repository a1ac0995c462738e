"""Whether a live object is what was wanted: nothing is written that needn't be."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.content import without_content, without_values
from kapsa.utils.hashing import value_digest
from kapsa.utils.quantities import same_quantity

_MERGE_KEYS: Final = (
    "uid",
    "containerPort",
    "port",
    "name",
    "type",
    "host",
    "key",
    "path",
    "topologyKey",
)
"""Fields that identify the items of lists in Kubernetes' API, the more telling ones first.

Source: `x-kubernetes-list-map-keys` in the API's OpenAPI document."""

_ATOMIC_LISTS: Final = frozenset(
    {
        "rules",
        "paths",
        "metrics",
        "parentRefs",
        "matches",
        "filters",
        "backendRefs",
        "limits",
        "subjects",
    }
)
"""Lists of maps that are one value, so that an item that somebody adds is a difference.

Source: `x-kubernetes-list-type: atomic` in the API's OpenAPI document."""

_ATOMIC_MAPS: Final = frozenset({"selector", "podSelector", "namespaceSelector", "labelSelector"})
"""Maps that are one value, so that a key that somebody adds is a difference: it would mean others.

Source: `x-kubernetes-map-type: atomic` in the API's OpenAPI document."""

_QUANTITY_MAPS: Final = frozenset(
    {"requests", "limits", "hard", "default", "defaultRequest", "min", "max"}
)


def stamp(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest with the annotation `applied`: the digest of what it says.

    The values of a Secret or ConfigMap don't count: who sees the digest could guess them.
    """
    metadata = dict(manifest["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    annotations[labels.APPLIED] = value_digest(without_values(manifest))
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def needs_apply(desired: Mapping[str, Any], live: Mapping[str, Any] | None) -> bool:
    """Tell whether a stamped manifest has to be applied.

    It has, where there is no such object, where something else was applied last (so that a field
    that isn't wanted any more is given up), or where a wanted field is missing or different.
    """
    return live is None or bool(drift(desired, live))


def drift(desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Return the paths of an object's wanted fields that are missing or different.

    Of the content of a Secret or ConfigMap the live object needs to have no more than the digests.
    """
    return differences(without_content(desired), without_content(live))


def differences(desired: Any, live: Any, path: str = "") -> list[str]:
    """Return the paths of wanted fields that are missing or different in the live object.

    What the live object has beyond that belongs to the API server or to others.
    """
    if isinstance(desired, Mapping):
        if not isinstance(live, Mapping):
            return [path]
        return [
            difference
            for key, value in desired.items()
            for difference in _compare(path, key, value, live)
        ]
    if isinstance(desired, list | tuple):
        return _compare_lists(desired, live, path)
    return [] if desired == live else [path]


def _compare(path: str, key: str, value: Any, live: Mapping[str, Any]) -> list[str]:
    below = f"{path}.{key}"
    if value in ({}, [], None) and not live.get(key):
        return []
    if key in _ATOMIC_MAPS and isinstance(value, Mapping):
        return [] if value == live.get(key) else [below]
    if path.rpartition(".")[2] in _QUANTITY_MAPS:
        return [] if same_quantity(value, live.get(key)) else [below]
    return differences(value, live.get(key), below)


def _compare_lists(desired: Sequence[Any], live: Any, path: str) -> list[str]:
    if not isinstance(live, list | tuple):
        return [path]
    key = merge_key(desired, path)
    if key is None:
        if len(desired) != len(live):
            return [path]
        pairs = zip(desired, live, strict=True)
        return [
            found
            for index, (mine, theirs) in enumerate(pairs)
            for found in differences(mine, theirs, f"{path}[{index}]")
        ]
    return [found for item in desired for found in _compare_item(item, live, key, f"{path}[{key}=")]


def _compare_item(item: Mapping[str, Any], live: Sequence[Any], key: str, path: str) -> list[str]:
    here = f"{path}{item[key]}]"
    counterpart = counterpart_of(item, live, key, here)
    return [here] if counterpart is None else differences(item, counterpart, here)


def counterpart_of(
    item: Mapping[str, Any], live: Sequence[Any], key: str, path: str
) -> Mapping[str, Any] | None:
    """Return the live item that has the same `key`, or None where there is none.

    Of several it is the most similar one: a port may be TCP and UDP.
    """
    same = [one for one in live if isinstance(one, Mapping) and one.get(key) == item[key]]
    return min(same, key=lambda one: len(differences(item, one, path)), default=None)


def merge_key(items: Sequence[Any], path: str) -> str | None:
    """Return the field that identifies the items of the list at `path`.

    It is None where the list is one value.
    """
    if path.rpartition(".")[2] in _ATOMIC_LISTS:
        return None
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    for key in _MERGE_KEYS:
        values = [item.get(key) for item in items]
        if None not in values and len(set(map(str, values))) == len(values):
            return key
    return None
