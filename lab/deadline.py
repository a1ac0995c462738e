"""Deadlines in seconds that this machine had: what a hypervisor gives to others doesn't count."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_STAT: Final = Path("/proc/stat")
_AT_MOST: Final = 10
"""How many times as long it takes, however much is taken away."""


class CpuTimes(NamedTuple):
    """What became of the time of all processors, since they were switched on.

    Attributes:
        stolen: What the hypervisor gave to others while somebody here wanted to run.
        total: All of it, in the same unit.
    """

    stolen: int
    total: int


def cpu_times(stat: Path = _STAT) -> CpuTimes:
    """Returns what the kernel counted; nothing stolen where it doesn't tell.

    Source: https://man7.org/linux/man-pages/man5/proc_stat.5.html
    """
    with suppress(OSError, ValueError, IndexError):
        # What guests used is part of the first two.
        counted = [int(field) for field in stat.read_text("ascii").split("\n", 1)[0].split()[1:9]]
        return CpuTimes(counted[7], sum(counted))
    return CpuTimes(0, 0)


class Deadline:
    """The end of so many seconds, from now on."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        times: Callable[[], CpuTimes] = cpu_times,
    ) -> None:
        """Takes the seconds that somebody would wait on a machine of their own."""
        self._seconds, self._clock, self._times = seconds, clock, times
        self._began, self._before = clock(), times()

    @property
    def has_passed(self) -> bool:
        """Whether the seconds are over."""
        elapsed = self._clock() - self._began
        if elapsed < self._seconds:
            return False
        now = self._times()
        total = now.total - self._before.total
        stolen = (now.stolen - self._before.stolen) / total if total > 0 else 0.0
        return elapsed * (1 - stolen) >= self._seconds or elapsed >= self._seconds * _AT_MOST
