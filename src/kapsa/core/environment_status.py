"""The status of an Environment: plan and live objects in, a status out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kapsa.core import labels
from kapsa.core.conditions import (
    READY,
    Blocked,
    Finding,
    conditions_of,
    found,
    missing,
    progress,
)
from kapsa.core.environment import IMAGE_READY, EnvironmentInput, Plan, image_obstacle
from kapsa.core.workload import Workload, workload_of
from kapsa.models.environment import EnvironmentStatus, OwnedResource, Phase
from kapsa.models.reasons import Reason
from kapsa.utils.text import MESSAGE_LIMIT, sanitise

HOST_ALLOCATED = "HostAllocated"
INGRESS_READY = "IngressReady"

_SHORT_SHA = 7


@dataclass(frozen=True)
class Observed:
    """What is live.

    Attributes:
        objects: The Environment's live objects by (kind, name).
        failure: What went wrong while the plan was carried out.
    """

    objects: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    failure: Blocked | None = None


def environment_status(
    known: EnvironmentInput, plan: Plan, observed: Observed, now: str
) -> EnvironmentStatus:
    """Return the status of the Environment as a whole.

    Args:
        known: What the plan was made from.
        plan: What should be.
        observed: What is.
        now: RFC 3339 time of any change.
    """
    environment = known.environment
    previous = environment.status
    workload = workload_of(observed.objects.get(("Deployment", environment.metadata.name)))
    blocked = observed.failure or plan.blocked
    host = _host_in_use(known, observed)
    findings = (
        _ready(known, blocked, workload, host),
        *_image(known),
        *_host(known),
        workload.finding,
        *_ingress(known, observed),
        *_progress(blocked, workload),
    )
    return EnvironmentStatus(
        observed_generation=environment.metadata.generation,
        last_handled_requested_at=environment.metadata.annotations.get(labels.REQUESTED_AT, "")[
            :64
        ],
        phase=_phase(known, blocked, workload),
        conditions=conditions_of(
            findings,
            previous.conditions,
            generation=environment.metadata.generation,
            now=now,
        ),
        url=f"http://{host}" if host else "",
        host=host,
        image=workload.image if workload.complete else previous.image,
        commit=workload.commit if workload.complete else previous.commit,
        resources=_resources(plan, observed, previous.resources),
    )


def _phase(known: EnvironmentInput, blocked: Blocked | None, workload: Workload) -> Phase:
    if known.environment.metadata.deletion_timestamp:
        return "Terminating"
    if blocked is not None:
        return _phase_of_blocked(known, blocked, workload)
    if workload.complete:
        return "Running"
    return "Failed" if workload.failed else "Deploying"


def _phase_of_blocked(known: EnvironmentInput, blocked: Blocked, workload: Workload) -> Phase:
    if blocked.reason == Reason.SUSPENDED:
        return "Running" if workload.complete else "Pending"
    if blocked == image_obstacle(known):
        return "Building"
    if blocked.reason == Reason.PROJECT_NOT_FOUND and _is_made_by_kapsa(known):
        # Whoever deleted the Project deleted this too; the garbage collector is on its way.
        return "Terminating"
    return "Failed" if blocked.stalled else "Pending"


def _is_made_by_kapsa(known: EnvironmentInput) -> bool:
    return known.environment.metadata.labels.get(labels.MANAGED_BY) == labels.MANAGER


def _ready(
    known: EnvironmentInput, blocked: Blocked | None, workload: Workload, host: str
) -> Finding:
    status = known.environment.status
    if blocked is not None:
        suspended = blocked.reason == Reason.SUSPENDED
        running = workload.commit if workload.complete else status.commit
        what = ""
        if running and workload.exists and not suspended:
            what = f"; commit {running[:_SHORT_SHA]} keeps running"
        message = sanitise(blocked.message, MESSAGE_LIMIT - len(what)) + what
        return Finding(READY, suspended and workload.complete, blocked.reason, message)
    if not workload.complete:
        return Finding(READY, False, workload.finding.reason, workload.finding.message)
    what = f"commit {workload.commit[:_SHORT_SHA]}" if workload.commit else workload.image
    return found(READY, Reason.READY, f"{what} runs" + (f" at http://{host}" if host else ""))


def _image(known: EnvironmentInput) -> tuple[Finding, ...]:
    obstacle = image_obstacle(known)
    if obstacle is not None:
        return (missing(IMAGE_READY, obstacle),)
    return (found(IMAGE_READY, Reason.IMAGE_READY, known.environment.spec.image or ""),)


def _host(known: EnvironmentInput) -> tuple[Finding, ...]:
    if isinstance(known.host, Blocked):
        return (missing(HOST_ALLOCATED, known.host),)
    if known.host:
        return (found(HOST_ALLOCATED, Reason.HOST_ALLOCATED, known.host),)
    return ()


def _host_in_use(known: EnvironmentInput, observed: Observed) -> str:
    """Return the host: the one that is held, or the one that is still routed meanwhile."""
    if not isinstance(known.host, Blocked):
        return known.host or ""
    before = known.environment.status.host
    live = observed.objects.get(("Ingress", known.environment.metadata.name)) or {}
    rules = (live.get("spec") or {}).get("rules") or ()
    return before if before in [rule.get("host") for rule in rules] else ""


def _ingress(known: EnvironmentInput, observed: Observed) -> tuple[Finding, ...]:
    if ("Ingress", known.environment.metadata.name) in observed.objects:
        return (found(INGRESS_READY, Reason.INGRESS_READY),)
    return ()


def _progress(blocked: Blocked | None, workload: Workload) -> tuple[Finding, ...]:
    if blocked is not None:
        return () if blocked.reason == Reason.SUSPENDED else progress(blocked)
    if workload.complete:
        return ()
    finding = workload.finding
    return progress(Blocked(finding.reason, finding.message, stalled=workload.failed))


def _resources(
    plan: Plan, observed: Observed, previous: tuple[OwnedResource, ...]
) -> tuple[OwnedResource, ...]:
    if plan.blocked is not None:
        return previous
    resources = []
    for manifest in plan.objects:
        kind, metadata = manifest["kind"], manifest["metadata"]
        live = observed.objects.get((kind, metadata["name"]))
        ready = workload_of(live).complete if kind == "Deployment" else live is not None
        resources.append(
            OwnedResource(
                kind=kind, name=metadata["name"], namespace=metadata["namespace"], ready=ready
            )
        )
    return tuple(resources)
