"""Which of several tags is the newest version.

Source: https://semver.org/spec/v2.0.0.html#spec-item-11
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_IDENTIFIERS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
# Zeros in front, which Semantic Versioning forbids, are what calendar versions such as 2026.01.05
# are written with.
_VERSION: Final = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?"
    rf"(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
)
_NUMBER: Final = re.compile(r"[0-9]+")

_Identifier = tuple[int, int, str]
"""Sorts an identifier of a pre-release: numbers first, by value; then words, by ASCII."""


@dataclass(frozen=True, order=True)
class Precedence:
    """Sorts names by the version that they are; what is no version comes before all versions.

    Attributes:
        numbers: Major, minor and patch; nothing for what is no version.
        is_release: Whether it is no pre-release.
        pre_release: Its identifiers, one by one.
    """

    numbers: tuple[int, ...] = ()
    is_release: bool = False
    pre_release: tuple[_Identifier, ...] = ()


def precedence(name: str) -> Precedence:
    """Return the place of a name among versions, by Semantic Versioning 2.0.

    A `v` in front means nothing, minor and patch that are left out are 0, and build metadata
    (`+linux`) makes no difference.
    """
    match = _VERSION.fullmatch(name)
    if match is None:
        return Precedence()
    major, minor, patch, pre_release = match.groups()
    return Precedence(
        numbers=(int(major), int(minor or 0), int(patch or 0)),
        is_release=pre_release is None,
        pre_release=tuple(map(_identifier, pre_release.split("."))) if pre_release else (),
    )


def newest(names: Iterable[str]) -> str | None:
    """Return the name with the highest version; of equal ones, the last by name.

    None where there is no name at all.
    """
    return max(names, key=lambda name: (precedence(name), name), default=None)


def _identifier(text: str) -> _Identifier:
    if _NUMBER.fullmatch(text):
        return (0, int(text), "")
    return (1, 0, text)
