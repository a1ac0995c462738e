"""Counts builds as they end, and logs that."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import structlog

from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.metrics import BUILD_QUEUE_LENGTH, BUILD_SECONDS, BUILDS, BUILDS_RUNNING
from kapsa.utils.times import from_rfc3339

log = structlog.get_logger(__name__)


@dataclass
class BuildMetrics:
    """Knows which builds ran when it was told last: each is counted once, when it has ended."""

    _running: frozenset[str] = field(default_factory=frozenset)
    _cancelled: frozenset[str] = field(default_factory=frozenset)

    def observe(self, builds: Iterable[LiveBuild], cancelled: Collection[str] = ()) -> None:
        """Take note of all builds, and of the UIDs of those that were cancelled just now.

        One that is cancelled has no duration: it says nothing of how long builds take.
        """
        running, dying = set(), set()
        for build in builds:
            if build.uid in cancelled or build.uid in self._cancelled:
                # It may take a while to go.
                dying.add(build.uid)
                if build.uid not in self._cancelled:
                    _count(build, "cancelled")
            elif build.state == BuildState.RUNNING:
                running.add(build.uid)
            elif build.uid in self._running:
                _count(build, build.state.lower())
                _measure(build)
        self._running, self._cancelled = frozenset(running), frozenset(dying)
        BUILDS_RUNNING.set(len(running))

    def wait(self, number: int) -> None:
        """Take note of how many builds wait."""
        BUILD_QUEUE_LENGTH.set(number)


def _count(build: LiveBuild, result: str) -> None:
    log.info("build ended", name=build.name, commit=build.commit, result=result)
    BUILDS.labels(strategy=build.strategy, result=result).inc()


def _measure(build: LiveBuild) -> None:
    begun, ended = from_rfc3339(build.created_at), from_rfc3339(build.ended_at)
    if begun is not None and ended is not None:
        BUILD_SECONDS.labels(strategy=build.strategy).observe(max(ended - begun, 0.0))
