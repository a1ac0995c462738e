"""Which builds begin, which are cancelled, and which are forgotten."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.wants import Identity, Want, newest
from kapsa.utils.times import from_rfc3339

_GRACE: Final = 60.0
"""Seconds that a build which is timed out may take to say so."""


@dataclass(frozen=True)
class Interest:
    """What one Project says of its builds.

    Attributes:
        wants: What it wants built.
        keys: What its environments are to run, built or not: a failure of these is remembered.
        environments: Names of the Environments that are, or should be.
    """

    wants: tuple[Want, ...] = ()
    keys: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()


@dataclass(frozen=True)
class QueueInput:
    """All that the queue depends on.

    Attributes:
        interests: What Projects say, by their UIDs; one that was not looked at yet is not there.
        gone: UIDs of Projects that don't exist any more.
        live: The builds that there are.
        most: Most builds at a time.
        most_per_project: Most builds of one Project at a time.
        retention: Seconds that a build is kept which succeeded.
        now: Unix time.
        passed_over: What can't begin, whatever its turn: it takes no place from others.
        undeleted: UIDs of builds that could not be cancelled: they keep their places.
    """

    interests: Mapping[str, Interest]
    gone: frozenset[str]
    live: Sequence[LiveBuild]
    most: int
    most_per_project: int
    retention: float
    now: float
    passed_over: frozenset[Identity] = frozenset()
    undeleted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class QueueDecision:
    """What is to be done.

    Attributes:
        start: Builds to begin now, in this order.
        waiting: Builds that wait for their turn or time, without those that are passed over.
        cancel: Running builds that nobody waits for any more.
        forget: Ended builds whose objects are not needed any more.
        look_again: Seconds after which to decide again; None to wait for a change.
    """

    start: tuple[Want, ...] = ()
    waiting: tuple[Want, ...] = ()
    cancel: tuple[LiveBuild, ...] = ()
    forget: tuple[LiveBuild, ...] = ()
    look_again: float | None = None


@dataclass
class _Places:
    """How many builds may begin yet."""

    most: int
    most_per_project: int
    running: Counter[str] = field(default_factory=Counter)

    def take(self, uid: str) -> bool:
        """Tell whether one more of that Project may begin, and count it where it may."""
        is_free = self.running.total() < self.most and self.running[uid] < self.most_per_project
        self.running[uid] += is_free
        return is_free


def decide_queue(known: QueueInput) -> QueueDecision:
    """Return what is to begin, to be cancelled and to be forgotten.

    A build is cancelled where its Environment is gone and nobody else wants what it builds; one
    that a newer commit has overtaken runs to its end. One that should have ended long ago, because
    nothing runs it, takes no place from others.
    """
    running = [build for build in known.live if build.state == BuildState.RUNNING]
    cancel = tuple(build for build in running if _is_unwanted(build, known))
    cancelled = {build.uid for build in cancel} - known.undeleted
    places = _Places(known.most, known.most_per_project)
    overdue = {build.uid: _overdue_at(build) for build in running}
    places.running.update(
        build.project_uid
        for build in running
        if build.uid not in cancelled and known.now < overdue[build.uid]
    )
    skipped = known.passed_over.union((build.project_uid, build.key) for build in running)
    start: list[Want] = []
    waiting: list[Want] = []
    for want in sorted(_distinct(known.interests), key=lambda item: item.rank):
        if want.identity in skipped:
            continue
        is_due = want.not_before <= known.now
        (start if is_due and places.take(want.origin.uid) else waiting).append(want)
    forget, expiries = _ended(known)
    times = [
        *expiries,
        *(want.not_before for want in waiting),
        *(overdue.values() if waiting else ()),
    ]
    future = [time for time in times if known.now < time < inf]
    return QueueDecision(
        start=tuple(start),
        waiting=tuple(waiting),
        cancel=cancel,
        forget=forget,
        look_again=max(min(future) - known.now, 1.0) if future else None,
    )


def _overdue_at(build: LiveBuild) -> float:
    """Return the Unix time by which a build should have ended; infinity where that isn't known."""
    created = from_rfc3339(build.created_at)
    return created + build.timeout + _GRACE if created and build.timeout else inf


def _distinct(interests: Mapping[str, Interest]) -> Iterable[Want]:
    """Return one want for each Project and key: that of the environment that comes first."""
    found: dict[Identity, Want] = {}
    for interest in interests.values():
        for want in sorted(interest.wants, key=lambda item: item.rank):
            found.setdefault(want.identity, want)
    return found.values()


def _is_unwanted(build: LiveBuild, known: QueueInput) -> bool:
    if build.project_uid in known.gone:
        return True
    interest = known.interests.get(build.project_uid)
    if interest is None:
        return False
    return build.key not in interest.keys and build.environment not in interest.environments


def _ended(known: QueueInput) -> tuple[tuple[LiveBuild, ...], list[float]]:
    """Return the builds to forget, and the Unix times at which others will be."""
    forget, expiries = [], []
    for build in known.live:
        if build.state == BuildState.RUNNING:
            continue
        expiry = (from_rfc3339(build.ended_at) or 0.0) + known.retention
        if build.project_uid in known.gone or _is_spent(build, known):
            forget.append(build)
        elif build.state == BuildState.SUCCEEDED:
            if expiry <= known.now:
                forget.append(build)
            else:
                expiries.append(expiry)
    return tuple(forget), expiries


def _is_spent(build: LiveBuild, known: QueueInput) -> bool:
    """Tell whether a failure needs no more remembering: nobody wants that, or it was overcome."""
    interest = known.interests.get(build.project_uid)
    if build.state != BuildState.FAILED or interest is None:
        return False
    if build.key not in interest.keys:
        return True
    same = (
        item
        for item in known.live
        if (item.project_uid, item.key) == (build.project_uid, build.key)
    )
    last = newest(same)
    return last is not None and last.state == BuildState.SUCCEEDED
