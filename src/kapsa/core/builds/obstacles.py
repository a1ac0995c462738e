"""Why there is no image yet that Kapsa builds, as people read it."""

from typing import Final

from kapsa.core import labels
from kapsa.core.builds.live import LiveBuild
from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason

_SHORT_SHA: Final = 12


def building(build: LiveBuild, namespace: str) -> Blocked:
    """Return that the image is being built; with it, why its pod does not start."""
    trouble = f": {build.message}" if build.message else ""
    return Blocked(
        Reason.BUILDING,
        f"commit {build.commit[:_SHORT_SHA]} is being built by {build.kind}"
        f" {namespace}/{build.name}{trouble}",
    )


def queued(commit: str) -> Blocked:
    """Return that a build waits for its turn."""
    return Blocked(
        Reason.BUILD_QUEUED,
        f"commit {commit[:_SHORT_SHA]} waits for its turn to be built: as many images are being"
        " built as may be at a time",
    )


def failed(build: LiveBuild, namespace: str) -> Blocked:
    """Return that the build failed for good."""
    return Blocked(
        Reason.BUILD_FAILED,
        f"commit {build.commit[:_SHORT_SHA]} can't be built; push one that can, or set the"
        f" annotation {labels.REQUESTED_AT} of the Project to try again. {build.kind}"
        f" {namespace}/{build.name}: {build.message}",
        stalled=True,
    )


def vanished(build: LiveBuild, reference: str) -> Blocked:
    """Return that a build succeeded, and the registry has no image of it."""
    return Blocked(
        Reason.IMAGE_NOT_FOUND,
        f"{build.kind} {build.name} has built {reference}, which the registry does not have any"
        f" more; set the annotation {labels.REQUESTED_AT} of the Project to build it again",
        stalled=True,
    )


def skipped(commit: str) -> Blocked:
    """Return that the commit's author wants no build."""
    return Blocked(
        Reason.BUILD_SKIPPED,
        f"the message of commit {commit[:_SHORT_SHA]} says [skip ci]: nothing is built of it; push"
        " another commit",
        stalled=True,
    )


_SKIPS: Final = ("[skip ci]", "[ci skip]")


def wants_no_build(message: str) -> bool:
    """Tell whether a commit's message asks for no build."""
    return any(word in message.lower() for word in _SKIPS)
