"""Tags of images that CI pushes: which of them may move, and when to look at one again."""

from dataclasses import dataclass

from kapsa.core.conditions import Blocked
from kapsa.core.projects.naming import PERMANENT
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.models.project import Project

_OF_A_COMMIT = ("{sha}", "{shortSha}")


@dataclass(frozen=True)
class LookRates:
    """How often an image is looked up that isn't found.

    Attributes:
        first: Seconds until the second look; each further wait is twice as long.
        longest: Most seconds between two looks for an image that isn't there, or at a registry that
            doesn't answer; one that asks for a longer pause gets it.
        longest_stalled: Most seconds until the next look where a person must change something: the
            Secrets of Registries, which would tell, aren't watched.
    """

    first: float
    longest: float
    longest_stalled: float


def follows_tag(project: Project, desired: DesiredEnvironment) -> bool:
    """Tell whether the tag of an environment's image may move, and the environment with it.

    A tag that is made of the commit never moves, whoever pushes it again. What is pinned, or was
    promoted, stays at its digest.
    """
    build = project.spec.build
    if build.strategy != "prebuilt" or any(part in (build.image or "") for part in _OF_A_COMMIT):
        return False
    return desired.target.image is None and not _has_revision(project, desired)


def _has_revision(project: Project, desired: DesiredEnvironment) -> bool:
    kind, name = desired.identity
    return kind == PERMANENT and any(
        item.name == name and item.revision is not None for item in project.spec.environments
    )


def wait_after(obstacle: Blocked, times: int, rates: LookRates) -> float:
    """Return the seconds until the next look for an image.

    Args:
        obstacle: Why the last one found none.
        times: How many looks have found that it isn't there; or else how many in a row did not find
            out whether it is.
        rates: How often to look.
    """
    wait = obstacle.retry_after or 0.0
    if obstacle.stalled:
        return max(rates.first, min(wait, rates.longest_stalled))
    # The exponent is bounded: nobody waits for the power of a thousand.
    doubled = rates.first * 2.0 ** min(max(times - 1, 0), 32)
    return max(rates.first, wait, min(doubled, rates.longest))
