"""Reference page of the operator's settings, as Markdown."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from kapsa.config import Settings
from kapsa.utils.durations import format_duration, parse_duration

_INTRODUCTION: Final = """\
# Settings

The operator reads its settings from environment variables once, when it starts; to change one,
restart it. Other variables with the prefix `KAPSA_` are ignored. The operator does not start with a
value that breaks its type or bounds; the log names the setting.

A *duration* is a string of parts with the units `s`, `m`, `h`, `d` and `w`, such as `90s` or
`1h30m`, or a whole number of seconds. A *list* is separated by commas. A *map* is a JSON object.

| Variable | Type | Default | Bounds | Meaning |
| --- | --- | --- | --- | --- |
"""

_PLAIN_TYPES: Final = {bool: "`true` or `false`", int: "integer", str: "text"}


def settings_page(settings: type[BaseSettings] = Settings) -> str:
    """Return the page of the settings, one line for each, in the order of their declaration.

    Raises:
        TypeError: A setting has no docstring, or a type that this page can't describe; the message
            names it.
    """
    prefix = settings.model_config.get("env_prefix", "")
    return _INTRODUCTION + "".join(_lines(settings, prefix))


def _lines(settings: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        if not field.description:
            raise TypeError(f"{name} has no docstring: say below it what it is for")
        cells = (
            f"`{prefix}{name.upper()}`",
            _type_of(name, field),
            _default_of(field),
            _bounds_of(field),
            " ".join(field.description.split()),
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _type_of(name: str, field: FieldInfo) -> str:
    if _is_duration(field):
        return "duration"
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(field.annotation))
    if get_origin(field.annotation) is tuple:
        return "list"
    if get_origin(field.annotation) is dict:
        return "map"
    for kind, words in _PLAIN_TYPES.items():
        if field.annotation is kind:
            return words
    raise TypeError(f"{name} is {field.annotation}, which this page can't describe")


def _default_of(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if field.is_required():
        return "required"
    if value in ("", (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{format_duration(value)}`" if _is_duration(field) else f"`{value}`"


def _bounds_of(field: FieldInfo) -> str:
    """Return the least and the most that a value may be."""
    written: Callable[[Any], str] = format_duration if _is_duration(field) else str
    least = [written(bound.ge) for bound in field.metadata if isinstance(bound, Ge)]
    most = [written(bound.le) for bound in field.metadata if isinstance(bound, Le)]
    if least and most:
        return f"{least[0]} to {most[0]}"
    return "".join([*(f"at least {bound}" for bound in least), *(f"at most {b}" for b in most)])


def _is_duration(field: FieldInfo) -> bool:
    return any(
        isinstance(item, BeforeValidator) and item.func is parse_duration for item in field.metadata
    )
