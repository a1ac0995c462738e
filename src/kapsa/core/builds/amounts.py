"""How much of a node a container of a build may use, and how much is kept free for it."""

from collections.abc import Mapping
from typing import Any, Final

from kapsa.utils.quantities import is_less

_REQUESTS: Final = {"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"}


def resources(limits: Mapping[str, str]) -> dict[str, Any]:
    """Return the field `resources` of a container; an empty one without limits.

    What is kept free is little, since most of the time a build needs little. Without a request it
    would be the limit.

    Args:
        limits: The most that one build may use, by resource.
    """
    if not limits:
        return {}
    requests = {
        name: limits[name] if is_less(limits[name], amount) else amount
        for name, amount in _REQUESTS.items()
        if name in limits
    }
    return {"limits": dict(limits), "requests": requests}
