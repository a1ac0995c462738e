"""YAML scalars as kubectl reads them.

kubectl reads YAML 1.1 without its times and numbers of base 60, and sends JSON: a plain `yes` is a
boolean, `2026-01-01` and `1:30` are strings, `1e3` is the integer 1000.

Source: https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go
"""

import re
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_TRUE: Final = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE: Final = frozenset(
    {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_NO_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INTEGERS: Final = (
    (re.compile(r"[-+]?(0|[1-9][0-9]*)"), 10),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER: Final = 64


def read_plain(text: str) -> Scalar:
    """Return what a scalar without quotes means.

    Raises:
        ValueError: It is a number that JSON doesn't know, such as `.inf`.
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{text} can't be written in JSON; put it in quotes if it is a string")
    if len(text) <= _LONGEST_NUMBER and text[0] in "0123456789+-.":
        return _read_number(text)
    return text


def _read_number(text: str) -> Scalar:
    digits = text.replace("_", "")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(digits):
            return int(digits.lower().replace("0o", "0"), base)
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        if number == float("inf") or number == float("-inf"):
            return text
        return int(number) if number.is_integer() else number
    return text
