"""Builds that are wanted: whether a key needs one more attempt, and which."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kapsa.core.builds.keys import is_built_so, reference_of
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import Origin
from kapsa.core.conditions import Blocked
from kapsa.models.build import Build
from kapsa.utils.names import with_digest
from kapsa.utils.times import from_rfc3339

_RETRIES: Final = 3
"""How often a build is tried again that failed for a reason outside of the commit."""
_FIRST_PAUSE: Final = 30.0
_NAME_LIMIT: Final = 50
"""kpack and Kubernetes append to the name of a build what makes the names of its pods."""

Identity = tuple[str, str]
"""What tells a wanted build from others: the UID of the Project, and the key."""


@dataclass(frozen=True)
class Want:
    """A build that is to be begun.

    Attributes:
        origin: For whom.
        key: What.
        commit: The commit that it is begun for.
        image: The tag that the image gets.
        is_preview: Whether a preview wants it; permanent environments come first.
        since: When the Environment was created (RFC 3339); nothing where there is none yet.
        attempt: 1 for the first.
        requested_at: The `requestedAt` of the Project, when it was decided.
        not_before: Unix time before which it is not begun.
    """

    origin: Origin
    key: str
    commit: str
    image: str
    is_preview: bool
    since: str = ""
    attempt: int = 1
    requested_at: str = ""
    not_before: float = 0.0

    @property
    def identity(self) -> Identity:
        """What tells it from others; a further attempt at the same is no other."""
        return (self.origin.uid, self.key)

    @property
    def name(self) -> str:
        """Name of its objects: another for each Project, key and attempt, whoever wants it."""
        identity = f"{self.origin.uid}/{self.key}/{self.attempt}"
        return with_digest(self.origin.project, identity, _NAME_LIMIT)

    @property
    def rank(self) -> tuple[bool, str, str]:
        """Place in the queue: permanent environments first, and the oldest of each first."""
        return (self.is_preview, self.since or "~", self.origin.environment)


@dataclass(frozen=True)
class Attempt:
    """A further try, as the fields of `Want` describe it."""

    number: int
    requested_at: str
    not_before: float = 0.0


def is_up_to_date(want: Want, repository: str | Blocked, build: Build) -> bool:
    """Tell whether a Project would have a build made so today, from the same source.

    Args:
        want: What it wanted before.
        repository: Where its images are today, or why there is no place for them.
        build: What it says about builds today.
    """
    return (
        isinstance(repository, str)
        and want.image == reference_of(repository, want.key)
        and is_built_so(want.image, repository, build)
    )


def newest(builds: Iterable[LiveBuild]) -> LiveBuild | None:
    """Return the last attempt, or None where there is none."""
    return max(builds, key=lambda build: build.attempt, default=None)


def next_attempt(builds: Iterable[LiveBuild], requested_at: str) -> Attempt | None:
    """Return the attempt that is due for an image that isn't there; None where none is.

    A failure is final until the next commit, or until a person asks by `requestedAt`. One that has
    nothing to do with the commit is tried again three times.

    Args:
        builds: All attempts that there are, of one key.
        requested_at: The `requestedAt` of the Project; nothing for none.
    """
    tried = tuple(builds)
    last = newest(tried)
    if last is None:
        return Attempt(1, requested_at)
    if last.state == BuildState.RUNNING:
        return None
    if requested_at and requested_at != last.requested_at:
        return Attempt(last.attempt + 1, requested_at)
    failures = sum(build.requested_at == last.requested_at for build in tried)
    if last.state == BuildState.SUCCEEDED or not last.is_transient or failures > _RETRIES:
        return None
    ended = from_rfc3339(last.ended_at) or 0.0
    pause = _FIRST_PAUSE * 2.0 ** (failures - 1)
    return Attempt(last.attempt + 1, last.requested_at, ended + pause)
