"""Which images may turn source code into images.

Programs of a builder's image run with the credential to push: whoever makes the image has that.
"""

from collections.abc import Collection
from fnmatch import fnmatchcase

from kapsa.core.conditions import Blocked
from kapsa.models.build import Build
from kapsa.models.reasons import Reason
from kapsa.utils.image_reference import parse_reference


def builder_refusal(build: Build, allowed: Collection[str]) -> Blocked | None:
    """Return why a Project may not build with the image that it names; None where it may.

    Args:
        build: What the Project says.
        allowed: Patterns of repositories, `host/path` with `*` for any characters.
    """
    image = build.builder.image if build.builder else None
    if image is None or _fits(image, allowed):
        return None
    offered = f"one of {', '.join(allowed)}, or " if allowed else ""
    return Blocked(
        Reason.BUILDER_NOT_ALLOWED,
        f"build.builder.image {image} is not among the builders that the operator allows; name"
        f" {offered}a ClusterBuilder, or have an admin add it to KAPSA_KPACK_ALLOWED_BUILDERS",
        stalled=True,
    )


def _fits(image: str, allowed: Collection[str]) -> bool:
    try:
        repository = parse_reference(image).repository
    except ValueError:
        return False
    return any(fnmatchcase(repository, pattern) for pattern in allowed)
