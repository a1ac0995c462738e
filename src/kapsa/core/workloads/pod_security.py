"""Which Pod Security Standard an Environment's pods meet, and whether the operator allows it.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import Literal

from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime

Profile = Literal["restricted", "baseline"]


def namespace_labels(enforced: Profile = "restricted") -> dict[str, str]:
    """Return the labels of a namespace that refuses pods which break the standard."""
    return {
        "pod-security.kubernetes.io/enforce": enforced,
        "pod-security.kubernetes.io/warn": "restricted",
    }


def profile_of(runtime: Runtime) -> Profile:
    """Return the standard that the pods of a merged runtime meet."""
    return (runtime.security and runtime.security.profile) or "restricted"


def profile_refusal(runtime: Runtime, laxest: Profile) -> Blocked | None:
    """Return why the pods may not be as a merged runtime wants them; None where they may.

    Args:
        runtime: What all layers give together.
        laxest: The laxest standard that the operator's settings allow.
    """
    if profile_of(runtime) == "restricted" or laxest == "baseline":
        return None
    return Blocked(
        Reason.PROFILE_NOT_ALLOWED,
        "spec.runtime.security.profile: is baseline, which the operator's setting"
        " KAPSA_POD_SECURITY forbids; leave it out and have the image run as another user than"
        " root, or ask an admin",
        stalled=True,
    )
