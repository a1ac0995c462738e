"""Builds that there are, whatever builds them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class BuildState(StrEnum):
    """How far a build is."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


STRATEGIES: Final = {"Job": "dockerfile", "Build": "buildpack", "Image": "buildpack"}
"""The strategy whose builds are of a kind."""


@dataclass(frozen=True)
class LiveBuild:
    """A build as the cluster shows it.

    Attributes:
        name: Name of its object.
        kind: Kind of its object.
        uid: UID of its object.
        project_uid: UID of the Project that it is for.
        environment: Name of the Environment that it was begun for.
        key: What is built.
        commit: The commit that it was begun for.
        attempt: 1 for the first.
        requested_at: The `requestedAt` for which it was tried anew; nothing for a first try.
        state: How far it is.
        digest: `sha256:…` of the image that was pushed; nothing where that isn't known.
        is_transient: Whether it failed for a reason that has nothing to do with the commit.
        message: Why it failed or does not begin, as far as its object says; nothing otherwise.
        created_at: When it was created (RFC 3339).
        ended_at: When it ended (RFC 3339); nothing as long as it runs.
        timeout: Seconds that it may run; 0 where its object doesn't say.
    """

    name: str
    kind: str
    uid: str
    project_uid: str
    environment: str
    key: str
    commit: str
    attempt: int
    requested_at: str
    state: BuildState
    digest: str = ""
    is_transient: bool = False
    message: str = ""
    created_at: str = ""
    ended_at: str = ""
    timeout: int = 0

    @property
    def strategy(self) -> str:
        """What builds it, as `build.strategy` says it."""
        return STRATEGIES[self.kind]
