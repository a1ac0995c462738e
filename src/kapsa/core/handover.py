"""The number of a Deployment's pods is handed over, and never dropped.

A field that nobody owns any more is removed by server-side apply, and `replicas` then falls back to
its default, 1. So another field manager takes it over, with the value it has, before Kapsa's own
apply leaves it out; whoever scales the Deployment next has it from there.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership-between-managers
"""

from collections.abc import Mapping
from typing import Any

Manifest = Mapping[str, Any]


def leaves_replicas_out(desired: Manifest, live: Manifest) -> bool:
    """Tell whether a live Deployment has more pods than one, and `desired` doesn't say how many."""
    return (
        desired["kind"] == "Deployment"
        and "replicas" not in desired["spec"]
        and int(live["spec"].get("replicas", 1)) > 1
    )


def held_replicas(live: Manifest | None, manager: str) -> dict[str, Any] | None:
    """Return what another manager must apply so that `manager` may leave the number of pods out.

    Args:
        live: The Deployment as the API server has it, `managedFields` included.
        manager: The field manager whose next apply leaves it out.

    Returns:
        The Deployment with nothing but its number of pods; None where `manager` doesn't own that.
    """
    if live is None or not _owns_replicas(live, manager):
        return None
    metadata = live["metadata"]
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"replicas": live["spec"]["replicas"]},
    }


def _owns_replicas(live: Manifest, manager: str) -> bool:
    return any(
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
        and "f:replicas" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        for entry in live["metadata"].get("managedFields") or ()
    )
