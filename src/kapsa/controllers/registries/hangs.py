"""Registries that hung lately: whoever comes next is told so, and does not wait for one again."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from kapsa.adapters.errors import Waiting
from kapsa.models.reasons import Reason

_SLOW: Final = 5.0
"""Seconds after which a failure is that of a registry that hangs."""
_SPARED: Final = 15.0
"""Seconds for which nobody asks a registry that hung. They are few: it may be that only a single
repository hangs, and the others are good."""
_MOST: Final = 1000
"""Registries at which those are forgotten whose time is over."""
_WORDS: Final = {
    str(Reason.REGISTRY_UNREACHABLE): "The registry {} did not answer in time; Kapsa tries again.",
    str(Reason.NO_CLOUD_CREDENTIALS): "The cloud gave no credentials for {} in time.",
}
"""What others are told who want to ask: nothing of what was asked before by somebody else."""


class _Place(NamedTuple):
    """A registry, as those ask it who name the same Registry, or none."""

    registry: str
    host: str


@dataclass(frozen=True)
class _Hang:
    reason: str
    until: float


class Hangs:
    """The registries that hung lately.

    Once the time is over for which one is spared, one look finds out whether it still hangs. The
    others go on without an answer meanwhile.
    """

    def __init__(self) -> None:
        """Know of none."""
        self._hangs: dict[_Place, _Hang] = {}

    @contextmanager
    def watch(self, registry: str, host: str) -> Iterator[None]:
        """Let somebody ask a registry, and note where it hangs.

        Args:
            registry: Name of the Registry; nothing for none.
            host: The registry's host.

        Raises:
            Waiting: RegistryUnreachable or NoCloudCredentials: it hung lately.
        """
        place, began = _Place(registry, host), _now()
        known = self._hangs.get(place)
        if known is not None:
            if began < known.until:
                raise Waiting(known.reason, _WORDS[known.reason].format(host), _SPARED)
            self._hangs[place] = _Hang(known.reason, inf)
        hang = None
        try:
            yield
        except Waiting as error:
            if error.reason in _WORDS and _now() - began >= _SLOW:
                hang = _Hang(str(error.reason), _now() + _SPARED)
            raise
        finally:
            self._note(place, hang)

    def forget(self, registry: str) -> None:
        """Have a Registry asked again at once; all there are without a name."""
        self._hangs = {
            place: hang
            for place, hang in self._hangs.items()
            if registry not in {"", place.registry}
        }

    def _note(self, place: _Place, hang: _Hang | None) -> None:
        self._hangs.pop(place, None)
        if len(self._hangs) >= _MOST:
            now = _now()
            self._hangs = {known: item for known, item in self._hangs.items() if now < item.until}
        if hang is not None:
            self._hangs[place] = hang


def _now() -> float:
    return asyncio.get_running_loop().time()
