"""Fields are handed over, and never dropped.

A field that nobody owns any more is removed by server-side apply. `replicas` of a Deployment then
falls back to its default, 1; `storageClassName` of a PersistentVolumeClaim can't be removed at all.
So another field manager takes the field over, with the value it has, before Kapsa's own apply
leaves it out; whoever sets it next has it from there. What an autoscaler will scale begins with the
fewest pods that it allows, or it would be ready with one, and then not any more.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership-between-managers
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

Manifest = Mapping[str, Any]

_HANDED_OVER: Final = {
    "Deployment": "replicas",
    "PersistentVolumeClaim": "storageClassName",
}
"""Field of the spec, by kind."""
_DEFAULT_REPLICAS: Final = 1
"""What the API server makes of a Deployment that says nothing: nobody has to own that."""


def beginning(desired: dict[str, Any], planned: Iterable[Manifest]) -> dict[str, Any]:
    """Return what is applied where the object isn't there yet.

    Args:
        desired: What is applied ever after.
        planned: All objects that are planned, its autoscaler among them.
    """
    if desired["kind"] != "Deployment" or "replicas" in desired["spec"]:
        return desired
    for autoscaler in planned:
        if (
            autoscaler["kind"] == "HorizontalPodAutoscaler"
            and autoscaler["spec"]["scaleTargetRef"]["name"] == desired["metadata"]["name"]
        ):
            replicas = autoscaler["spec"]["minReplicas"]
            if replicas == _DEFAULT_REPLICAS:
                return desired
            return {**desired, "spec": {**desired["spec"], "replicas": replicas}}
    return desired


def leaves_out(desired: Manifest, live: Manifest) -> bool:
    """Tell whether `desired` leaves out a field that a live object has, and that has to stay.

    One pod is what a Deployment falls back to, and one that sleeps wakes up with.
    """
    if desired["kind"] not in _HANDED_OVER:
        return False
    field = _HANDED_OVER[desired["kind"]]
    value = live["spec"].get(field)
    stays = value > 1 if isinstance(value, int) else bool(value)
    return stays and field not in desired["spec"]


def held(live: Manifest | None, manager: str) -> dict[str, Any] | None:
    """Return what another manager must apply so that `manager` may leave the field out.

    Args:
        live: The object as the API server has it, `managedFields` included.
        manager: The field manager whose next apply leaves it out.

    Returns:
        The object with nothing but that field; None where `manager` doesn't own it.
    """
    field = _HANDED_OVER[live["kind"]] if live is not None else ""
    if live is None or not _owns(live, manager, field):
        return None
    metadata = live["metadata"]
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {field: live["spec"][field]},
    }


def _owns(live: Manifest, manager: str, field: str) -> bool:
    return any(
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
        and f"f:{field}" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        for entry in live["metadata"].get("managedFields") or ()
    )
