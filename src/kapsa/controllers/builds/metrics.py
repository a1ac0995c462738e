"""Counts builds as they end, and logs that."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.metrics import BUILD_QUEUE_LENGTH, BUILD_SECONDS, BUILDS, BUILDS_RUNNING
from kapsa.utils.times import from_rfc3339

log = structlog.get_logger(__name__)


@dataclass
class BuildMetrics:
    """Knows which builds ran when it was asked last: each is counted once, when it has ended."""

    _running: frozenset[str] = field(default_factory=frozenset)

    def observe(self, builds: Iterable[LiveBuild], waiting: int) -> None:
        """Take note of all builds, and of how many wait."""
        running = set()
        for build in builds:
            if build.state == BuildState.RUNNING:
                running.add(build.uid)
            elif build.uid in self._running:
                _count(build)
        self._running = frozenset(running)
        BUILDS_RUNNING.set(len(running))
        BUILD_QUEUE_LENGTH.set(waiting)


def _count(build: LiveBuild) -> None:
    log.info("build ended", name=build.name, commit=build.commit, result=build.state.lower())
    BUILDS.labels(strategy=build.strategy, result=build.state.lower()).inc()
    begun, ended = from_rfc3339(build.created_at), from_rfc3339(build.ended_at)
    if begun is not None and ended is not None:
        BUILD_SECONDS.labels(strategy=build.strategy).observe(max(ended - begun, 0.0))
