"""What a person is told whose manifest breaks a keyword of the schema; values are never shown."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

_TYPES: Final = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_PYTHON_TYPES: Final = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a mapping"),
)
_MOST_SHOWN: Final = 12

# jsonschema declares that any attribute of its errors may be unset; those that it yields have all.
_Error: TypeAlias = Any


def explain(error: _Error) -> str:
    """Return what is wrong, and what to do."""
    keyword = str(error.validator)
    explained = _EXPLANATIONS.get(keyword)
    return explained(error) if explained else str(error.message)


def did_you_mean(word: Any, known: Iterable[str]) -> str:
    """Return `; did you mean …?` where one of the known words is close, else nothing."""
    if not isinstance(word, str):
        return ""
    words = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return f"; did you mean {words[close[0]]}?" if close else ""


def _unknown(error: _Error) -> str:
    known = sorted(error.schema.get("properties", ()))
    meant = did_you_mean(error.path[-1], known)
    if meant or not known or len(known) > _MOST_SHOWN:
        return f"unknown field{meant}"
    return f"unknown field; known here: {', '.join(known)}"


def _type(error: _Error) -> str:
    instance, wanted = error.instance, error.validator_value
    is_word = wanted == "string" and isinstance(instance, bool | int | float)
    remedy = "; put it in quotes" if is_word else ""
    if wanted == "integer" and isinstance(instance, float):
        return "must be a whole number"
    return f"must be {_TYPES[wanted]}, not {_name_of(instance)}{remedy}"


def _int_or_string(error: _Error) -> str:
    if isinstance(error.instance, float):
        return "must be a whole number or a string; put it in quotes"
    return f"must be a string or a whole number, not {_name_of(error.instance)}"


def _enum(error: _Error) -> str:
    values = error.validator_value
    meant = did_you_mean(error.instance, values)
    if len(values) == 1:
        return f"must be {values[0]}"
    return f"must be one of {', '.join(map(str, values))}{meant}"


def _pattern(error: _Error) -> str:
    said = error.schema.get("patternErrorMessage")
    return str(said) if said else f"must match {error.validator_value}"


def _shortest(error: _Error) -> str:
    limit = error.validator_value
    return "must not be empty" if limit == 1 else f"needs at least {_count(limit, 'character')}"


def _longest(error: _Error) -> str:
    limit = error.validator_value
    return f"has {_count(len(error.instance), 'character')}; at most {limit} are allowed"


def _fewest(error: _Error) -> str:
    return f"needs at least {_count(error.validator_value, 'item')}"


def _most(error: _Error) -> str:
    return f"has {_count(len(error.instance), 'item')}; at most {error.validator_value} are allowed"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _name_of(value: Any) -> str:
    return next((name for kind, name in _PYTHON_TYPES if isinstance(value, kind)), "null")


_EXPLANATIONS: Final[Mapping[str, Callable[[_Error], str]]] = {
    "additionalProperties": _unknown,
    "required": lambda error: "is missing",
    "type": _type,
    "anyOf": _int_or_string,
    "enum": _enum,
    "const": lambda error: f"must be {error.validator_value}",
    "pattern": _pattern,
    "minLength": _shortest,
    "maxLength": _longest,
    "minItems": _fewest,
    "maxItems": _most,
    "minProperties": _fewest,
    "maxProperties": _most,
    "minimum": lambda error: f"must be at least {error.validator_value}",
    "maximum": lambda error: f"must be at most {error.validator_value}",
    "exclusiveMinimum": lambda error: f"must be more than {error.validator_value}",
    "exclusiveMaximum": lambda error: f"must be less than {error.validator_value}",
}
