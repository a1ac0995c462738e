"""The status of an Environment: plan and live objects in, a status out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kapsa.core import labels
from kapsa.core.autoscaling import autoscaler_of
from kapsa.core.conditions import Blocked, Finding, conditions_of, found, missing, progress
from kapsa.core.environment import EnvironmentInput, Plan, image_obstacle
from kapsa.core.expiry import Lifetime
from kapsa.core.routes import KINDS, route_finding, route_refusal, routed_hosts
from kapsa.core.workload import Workload, workload_of
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import EnvironmentStatus, OwnedResource, Phase
from kapsa.models.reasons import Reason
from kapsa.utils.text import MESSAGE_LIMIT, sanitise
from kapsa.utils.times import to_rfc3339

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
    environment, life = known.environment, known.lifetime
    previous = before = environment.status
    if life.expired is not None:
        # What it had may be live for another moment, and counts no more.
        observed, before = replace(observed, objects={}), EnvironmentStatus()
    workload, route = _workload(known, observed), _route(known, observed)
    blocked = observed.failure or plan.blocked or (route_refusal(route) if route else None)
    host = _host_in_use(known, observed)
    findings = (
        _ready(known, blocked, workload, host),
        *_host(known),
        *_of_what_runs(known, workload, route),
        *_expiry(life),
        *_progress(known, blocked, workload),
    )
    return EnvironmentStatus(
        observed_generation=environment.metadata.generation,
        last_handled_requested_at=labels.requested_at(environment.metadata.annotations),
        phase=_phase(known, blocked, workload),
        conditions=conditions_of(
            findings,
            previous.conditions,
            generation=environment.metadata.generation,
            now=now,
        ),
        url=f"http://{host}" if host and life.expired is None else "",
        host=host,
        image=workload.image if workload.complete else before.image,
        commit=workload.commit if workload.complete else before.commit,
        last_activity_at=_time(life.last_activity_at),
        last_activity_of=life.last_activity_of,
        active_since=_time(life.active_since),
        expires_at=_time(life.expires_at),
        resources=_resources(plan, observed, workload, previous.resources),
    )


def _workload(known: EnvironmentInput, observed: Observed) -> Workload:
    scaled = autoscaler_of(known.environment.spec.runtime)
    return workload_of(
        observed.objects.get(("Deployment", known.environment.metadata.name)),
        fewest=scaled.min_replicas if scaled else None,
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else to_rfc3339(seconds)


def _phase(known: EnvironmentInput, blocked: Blocked | None, workload: Workload) -> Phase:
    if known.environment.metadata.deletion_timestamp:
        return "Terminating"
    if known.lifetime.expired is not None:
        return "Expired"
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
        return Finding(
            ConditionType.READY, suspended and workload.complete, blocked.reason, message
        )
    if known.lifetime.expired is not None:
        return missing(ConditionType.READY, known.lifetime.expired)
    if not workload.complete:
        return Finding(
            ConditionType.READY, False, workload.finding.reason, workload.finding.message
        )
    what = f"commit {workload.commit[:_SHORT_SHA]}" if workload.commit else workload.image
    return found(
        ConditionType.READY, Reason.READY, f"{what} runs" + (f" at http://{host}" if host else "")
    )


def _of_what_runs(
    known: EnvironmentInput, workload: Workload, route: Mapping[str, Any] | None
) -> tuple[Finding, ...]:
    if known.lifetime.expired is not None:
        return ()
    return (*_image(known), workload.finding, *((route_finding(route),) if route else ()))


def _expiry(life: Lifetime) -> tuple[Finding, ...]:
    """Return the condition of an end: abnormal when true, absent when there is nothing to say."""
    if life.expired is not None:
        return (Finding(ConditionType.EXPIRED, True, life.expired.reason, life.expired.message),)
    if life.problem:
        return (Finding(ConditionType.EXPIRED, False, Reason.EXTENSION_INVALID, life.problem),)
    return ()


def _image(known: EnvironmentInput) -> tuple[Finding, ...]:
    obstacle = image_obstacle(known)
    if obstacle is not None:
        return (missing(ConditionType.IMAGE_READY, obstacle),)
    return (
        found(ConditionType.IMAGE_READY, Reason.IMAGE_READY, known.environment.spec.image or ""),
    )


def _host(known: EnvironmentInput) -> tuple[Finding, ...]:
    if isinstance(known.host, Blocked):
        return (missing(ConditionType.HOST_ALLOCATED, known.host),)
    if known.host:
        return (found(ConditionType.HOST_ALLOCATED, Reason.HOST_ALLOCATED, known.host),)
    return ()


def _host_in_use(known: EnvironmentInput, observed: Observed) -> str:
    """Return the host: the one that is held, or the one that is still routed meanwhile."""
    if not isinstance(known.host, Blocked):
        return known.host or ""
    before = known.environment.status.host
    return before if before in routed_hosts(_route(known, observed)) else ""


def _route(known: EnvironmentInput, observed: Observed) -> Mapping[str, Any] | None:
    name = known.environment.metadata.name
    routes = (observed.objects.get((kind, name)) for kind in KINDS)
    return next((route for route in routes if route is not None), None)


def _progress(
    known: EnvironmentInput, blocked: Blocked | None, workload: Workload
) -> tuple[Finding, ...]:
    if blocked is not None:
        return () if blocked.reason == Reason.SUSPENDED else progress(blocked)
    if workload.complete or known.lifetime.expired is not None:
        return ()
    finding = workload.finding
    return progress(Blocked(finding.reason, finding.message, stalled=workload.failed))


def _resources(
    plan: Plan, observed: Observed, workload: Workload, previous: tuple[OwnedResource, ...]
) -> tuple[OwnedResource, ...]:
    if plan.blocked is not None:
        return previous
    resources = []
    for manifest in plan.objects:
        kind, metadata = manifest["kind"], manifest["metadata"]
        live = observed.objects.get((kind, metadata["name"]))
        ready = workload.complete if kind == "Deployment" else live is not None
        resources.append(
            OwnedResource(
                kind=kind, name=metadata["name"], namespace=metadata["namespace"], ready=ready
            )
        )
    return tuple(resources)
