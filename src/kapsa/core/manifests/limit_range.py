"""What a container in a namespace that Kapsa makes gets, and may ask for.

Source: https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from collections.abc import Mapping
from typing import Any

from kapsa.core.places import Place


def limit_range(place: Place, limits: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the LimitRange.

    Args:
        place: The namespace.
        limits: `default`, `defaultRequest`, `min` and `max` of containers, each by resource.
    """
    said = {name: dict(amounts) for name, amounts in limits.items()}
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": place.metadata("kapsa"),
        "spec": {"limits": [{"type": "Container", **said}]},
    }
