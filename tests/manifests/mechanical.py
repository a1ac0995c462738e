"""Breaks each bound, enum, type, required field and uniqueness of a schema, one at a time.

What the API server answers is written out here, in the words of apiextensions-apiserver; only the
place and the bound are taken from the schema.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.manifests.constraints import LIST_TYPE, MAP_KEYS, RULES, Constraint
from tests.manifests.invalid import Invalid, Manifest
from tests.manifests.patterns import WRONG
from tests.manifests.places import Place, all_places

Broken = tuple[Manifest, str, str]
"""A changed manifest, the field that is named, and what is said of it."""


def mechanical_cases() -> Iterator[Invalid]:
    """Yield a case for each constraint that can be broken without knowing what it is for.

    The wrong texts of a pattern are all tried where it is met first, and one of them elsewhere.
    """
    tried: set[str] = set()
    for place in all_places():
        for constraint in place.node.constraints():
            if constraint.keyword in _BREAK:
                manifest, path, message = _BREAK[constraint.keyword](place, constraint.detail)
                name = f"{place.name} {constraint.keyword} {constraint.detail}"
                yield Invalid(name, manifest, path, message, constraint)
            elif constraint.detail in WRONG and constraint.keyword == RULES:
                texts = WRONG[constraint.detail]
                for text in texts[:1] if constraint.detail in tried else texts:
                    yield _broken_pattern(place, constraint, text)
                tried.add(constraint.detail)


def _broken_pattern(place: Place, constraint: Constraint, text: str) -> Invalid:
    said = f"Invalid value: {json.dumps(text, ensure_ascii=False)}: {constraint.detail}"
    return Invalid(f"{place.name} {text!r}", place.set(text), place.path, said, constraint)


def _too_short(place: Place, detail: str) -> Broken:
    said = f'Invalid value: "": {place.dotted} in body should be at least {detail} chars long'
    return place.set(""), place.dotted, said


def _too_long(place: Place, detail: str) -> Broken:
    text = str(place.value).ljust(int(detail) + 1, str(place.value)[-1])
    return place.set(text), place.dotted, f"Too long: may not be more than {detail} bytes"


def _too_small(place: Place, detail: str) -> Broken:
    value = int(detail) - 1
    said = f"{place.dotted} in body should be greater than or equal to {detail}"
    return place.set(value), place.dotted, f"Invalid value: {value}: {said}"


def _too_big(place: Place, detail: str) -> Broken:
    value = int(detail) + 1
    said = f"{place.dotted} in body should be less than or equal to {detail}"
    return place.set(value), place.dotted, f"Invalid value: {value}: {said}"


def _too_few(place: Place, detail: str) -> Broken:
    said = f"Invalid value: 0: {place.dotted} in body should have at least {detail} items"
    return place.set([]), place.dotted, said


def _too_many(place: Place, detail: str) -> Broken:
    count = int(detail) + 1
    keys = place.node.schema.get(MAP_KEYS, ())
    items = [_another(place.value[-1], index, keys) for index in range(count)]
    return place.set(items), place.dotted, f"Too many: {count}: must have at most {detail} items"


def _too_many_keys(place: Place, detail: str) -> Broken:
    count = int(detail) + 1
    value = next(iter(place.value.values()))
    said = f"Too many: {count}: must have at most {detail} items"
    return place.set({f"key-{index}": value for index in range(count)}), place.dotted, said


def _another(item: Any, index: int, keys: tuple[str, ...]) -> Any:
    """Return an item of a list that is like `item` and not it."""
    if isinstance(item, str):
        return f"n{index}{item}"
    numbers = {key: value + index for key, value in item.items() if type(value) is int}
    return {**copy.deepcopy(item), **numbers, **dict.fromkeys(keys, f"n{index}")}


def _not_in_the_enum(place: Place, detail: str) -> Broken:
    known = ", ".join(json.dumps(value) for value in json.loads(detail))
    said = f'Unsupported value: "Other": supported values: {known}'
    return place.set("Other"), place.dotted, said


def _of_another_type(place: Place, detail: str) -> Broken:
    value, found = _OTHER_TYPES.get(detail, ("text", "string"))
    said = f'Invalid value: "{found}": {place.dotted} in body must be of type {detail}: "{found}"'
    return place.set(value), place.dotted, said


def _left_out(place: Place, detail: str) -> Broken:
    return place.without(detail), place.at(detail), "Required value"


def _duplicate_in_a_set(place: Place, _: str) -> Broken:
    said = f"Duplicate value: {json.dumps(place.value[0])}"
    return place.set([*place.value, place.value[0]]), place.at(len(place.value)), said


def _duplicate_key(place: Place, detail: str) -> Broken:
    item = place.value[0]
    key = {name: item[name] for name in json.loads(detail)}
    said = f"Duplicate value: {json.dumps(key, separators=(',', ':'))}"
    return place.set([*place.value, item]), place.at(len(place.value)), said


_OTHER_TYPES: Final[dict[str, tuple[Any, str]]] = {
    "string": (1, "integer"),
    "integer,string": (True, "boolean"),
}
"""A value that is not of a type, and what it is; of all others, a text is not."""

_BREAK: Final[dict[str, Callable[[Place, str], Broken]]] = {
    "minLength": _too_short,
    "maxLength": _too_long,
    "minimum": _too_small,
    "maximum": _too_big,
    "minItems": _too_few,
    "maxItems": _too_many,
    "maxProperties": _too_many_keys,
    "enum": _not_in_the_enum,
    "type": _of_another_type,
    "required": _left_out,
    LIST_TYPE: _duplicate_in_a_set,
    MAP_KEYS: _duplicate_key,
}
"""How a keyword is broken; for those that are not here, a case must be written by hand."""
