"""What a Project's status says of its builds."""

from dataclasses import dataclass

from kapsa.core.conditions import Blocked, Finding, found, missing
from kapsa.models.conditions import ConditionType
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class BuildSummary:
    """How the builds of a Project are.

    Attributes:
        failure: Why a wanted image can't be built; the first, where there are several.
        underway: How many images are being built, or wait for that.
    """

    failure: Blocked | None = None
    underway: int = 0


def build_finding(summary: BuildSummary) -> Finding:
    """Return the condition `BuildSucceeded`."""
    if summary.failure is not None:
        return missing(ConditionType.BUILD_SUCCEEDED, summary.failure)
    if summary.underway:
        plural = "image is" if summary.underway == 1 else "images are"
        return Finding(
            ConditionType.BUILD_SUCCEEDED,
            None,
            Reason.BUILDING,
            f"{summary.underway} {plural} being built, or about to be",
        )
    return found(ConditionType.BUILD_SUCCEEDED, Reason.BUILD_SUCCEEDED)
