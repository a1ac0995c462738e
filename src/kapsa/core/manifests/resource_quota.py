"""How much there may be in a namespace that Kapsa makes.

Source: https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from collections.abc import Mapping
from typing import Any

from kapsa.core.places import Place


def resource_quota(place: Place, hard: Mapping[str, str]) -> dict[str, Any]:
    """Return the ResourceQuota; `hard` is the most of each resource, such as `{"pods": "20"}`."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": place.metadata("kapsa"),
        "spec": {"hard": dict(hard)},
    }
