"""Durations as people write them: `90s`, `1h30m`, `7d`, or a bare number of seconds."""

import re
from typing import Final

PATTERN: Final = r"^([0-9]{1,9}[smhdw])+$"
"""What a duration string looks like: digits and a unit of `s m h d w`, as often as needed."""

MAXIMUM: Final = 100 * 365 * 86_400
"""Longest duration, in seconds: a hundred years, so that adding it to any time is safe."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(r"([0-9]{1,9})([smhdw])")
_PARTS: Final = re.compile(r"([0-9]{1,9}[smhdw])+")
_BARE: Final = re.compile(r"[0-9]{1,18}")


def parse_duration(value: str | int) -> int:
    """Return the seconds that `value` means; a text that means more than `MAXIMUM` means that.

    The API server can't add up the parts of a text, so any that fits `PATTERN` is understood.

    Raises:
        ValueError: It is negative, a number beyond `MAXIMUM`, or no duration; the message says
            what one looks like.
    """
    if isinstance(value, str):
        return min(_seconds_of_text(value), MAXIMUM)
    seconds = _seconds_of_number(value)
    if seconds < 0:
        raise ValueError(f"{value!r} is negative; a duration is not")
    if seconds > MAXIMUM:
        raise ValueError(f"{value!r} is longer than a hundred years")
    return seconds


def _seconds_of_text(text: str) -> int:
    if _BARE.fullmatch(text):
        return int(text)
    if _PARTS.fullmatch(text):
        return sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(text))
    raise ValueError(_no_duration(text))


def _seconds_of_number(value: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(_no_duration(value))


def _no_duration(value: str | int) -> str:
    return f"{value!r} is no duration: write 90s, 1h30m, 7d or a number of seconds"


def format_duration(seconds: int) -> str:
    """Return `seconds`, which are not negative, in the largest units, such as `1h30m`.

    `0s` stands for nothing; `parse_duration` gives back the same number.
    """
    parts = []
    for unit, size in sorted(_SECONDS.items(), key=lambda item: -item[1]):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
