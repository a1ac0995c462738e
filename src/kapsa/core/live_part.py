"""What of a live object is Kapsa's to say, as far as a person has to see what an apply changes.

Server-side apply leaves alone what belongs to others, and takes away what Kapsa applied before and
leaves out now. So these two count: the fields that are wanted, and those that would be given up.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kapsa.core.drift import counterpart_of, differences, merge_key

_FIELD: Final = "f:"
_ITEM: Final = "k:"
_HANDED_OVER: Final = frozenset({".spec.replicas", ".spec.storageClassName"})
"""What is never given up, but handed over with its value; see `kapsa.core.handover`."""

Fields = Mapping[str, Any]
"""A set of fields, in the form of `managedFields[].fieldsV1`."""


def live_part(desired: Mapping[str, Any], live: Mapping[str, Any], manager: str) -> dict[str, Any]:
    """Return the part of `live` that an apply of `desired` would bring to what `desired` says.

    Where both mean the same, in whatever form, it says it as `desired` does. So the two are equal
    if, and only if, the apply changes nothing.

    Args:
        desired: The manifest that would be applied.
        live: The object as the API server has it, `managedFields` included.
        manager: The field manager that would apply it.
    """
    return _of_map(desired, live, _sole_fields(live, manager), "")


def _of_map(
    desired: Mapping[str, Any], live: Mapping[str, Any], given_up: Fields, path: str
) -> dict[str, Any]:
    part = {}
    for key, value in desired.items():
        below = given_up.get(_FIELD + key, {})
        if isinstance(value, Mapping) and isinstance(live.get(key), Mapping):
            part[key] = _of_map(value, live[key], below, f"{path}.{key}")
        elif isinstance(value, list | tuple) and isinstance(live.get(key), list):
            part[key] = _of_list(value, live[key], below, f"{path}.{key}")
        elif not differences({key: value}, live, path):
            part[key] = value
        elif key in live:
            part[key] = live[key]
    for name, below in given_up.items():
        key = name.removeprefix(_FIELD)
        is_lost = name.startswith(_FIELD) and key not in desired and key in live
        if is_lost and f"{path}.{key}" not in _HANDED_OVER:
            part[key] = _given_up(live[key], below)
    return part


def _of_list(desired: Sequence[Any], live: Sequence[Any], given_up: Fields, path: str) -> Any:
    key = merge_key(desired, path)
    if key is None:
        return desired if not differences(desired, live, path) else live
    part = []
    seen = []
    for item in desired:
        here = f"{path}[{key}={item[key]}]"
        counterpart = counterpart_of(item, live, key, here)
        if counterpart is not None:
            seen.append(counterpart)
            part.append(_of_map(item, counterpart, _fields_of(counterpart, given_up), here))
    part += [
        _given_up(item, _fields_of(item, given_up))
        for item in live
        if item not in seen and _fields_of(item, given_up)
    ]
    return part


def _given_up(live: Any, fields: Fields) -> Any:
    """Return what is lost of a live value when these fields of it are given up."""
    if isinstance(live, Mapping) and any(name.startswith(_FIELD) for name in fields):
        return {
            key: _given_up(value, fields[_FIELD + key])
            for key, value in live.items()
            if _FIELD + key in fields
        }
    if isinstance(live, list) and any(name.startswith(_ITEM) for name in fields):
        found = ((item, _fields_of(item, fields)) for item in live)
        return [_given_up(item, below) for item, below in found if below]
    return live


def _fields_of(item: Any, fields: Fields) -> Fields:
    """Return which of the fields are those of that item of a list."""
    for name, below in fields.items():
        if name.startswith(_ITEM) and isinstance(item, Mapping):
            keys = json.loads(name.removeprefix(_ITEM))
            if all(item.get(key) == value for key, value in keys.items()):
                return dict(below)
    return {}


def _sole_fields(live: Mapping[str, Any], manager: str) -> Fields:
    """Return the fields that the manager has applied, and that nobody else owns."""
    mine: Fields = {}
    others: list[Fields] = []
    for entry in live["metadata"].get("managedFields") or ():
        is_apply = entry.get("operation") == "Apply" and not entry.get("subresource")
        if entry.get("manager") == manager and is_apply:
            mine = entry.get("fieldsV1") or {}
        else:
            others.append(entry.get("fieldsV1") or {})
    for other in others:
        mine = _without(mine, other)
    return mine


def _without(fields: Fields, others: Fields) -> Fields:
    """Return the fields that aren't among the others'."""
    left = {}
    for name, below in fields.items():
        if name not in others:
            left[name] = below
        elif below and (rest := _without(below, others[name])):
            left[name] = rest
    return left
