"""The objects of an Environment, as its status lists them."""

from collections.abc import Mapping
from typing import Any

from kapsa.core.environments.environment import Plan
from kapsa.core.jobs.live_jobs import result_of
from kapsa.core.tls.certificates import certificate_problem
from kapsa.core.workloads.workload import Workload
from kapsa.models.environment import OwnedResource

Live = Mapping[tuple[str, str], Mapping[str, Any]]
"""Live objects by kind and name."""


def inventory(
    plan: Plan, live: Live, workload: Workload, previous: tuple[OwnedResource, ...]
) -> tuple[OwnedResource, ...]:
    """Return the objects of an Environment, each with whether it does what it is there for.

    Args:
        plan: What should be.
        live: What is.
        workload: The state of its Deployments.
        previous: What was listed so far: what the plan leaves alone stays there.
    """
    if plan.blocked is not None:
        return previous
    resources = list(_held_back(plan, live, previous))
    for manifest in plan.objects:
        kind, metadata = manifest["kind"], manifest["metadata"]
        found = live.get((kind, metadata["name"]))
        ready = metadata["name"] in workload.ready if kind == "Deployment" else _serves(found)
        resources.append(
            OwnedResource(
                kind=kind, name=metadata["name"], namespace=metadata["namespace"], ready=ready
            )
        )
    return tuple(resources)


def _held_back(
    plan: Plan, live: Live, previous: tuple[OwnedResource, ...]
) -> tuple[OwnedResource, ...]:
    """Return what stays as it is while the plan is held, or another version is waited for."""
    planned = {(item["kind"], item["metadata"]["name"]) for item in plan.objects}
    stay = {
        (kind, name)
        for kind, name in set(live) - planned
        if plan.held is not None or kind in plan.spared
    }
    return tuple(item for item in previous if (item.kind, item.name) in stay)


def _serves(live: Mapping[str, Any] | None) -> bool:
    """Tell whether an object does what it is there for: most do by being there."""
    kind = live["kind"] if live is not None else ""
    if live is None or kind not in ("Job", "PersistentVolumeClaim", "Certificate"):
        return live is not None
    if kind == "Job":
        return result_of(live) == "Succeeded"
    if kind == "Certificate":
        return certificate_problem(live, live["metadata"]["name"]) is None
    return bool((live.get("status") or {}).get("phase") == "Bound")
