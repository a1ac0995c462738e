"""The status of an Environment: plan and live objects in, a status out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kapsa.core import labels
from kapsa.core.conditions import Blocked, Finding, conditions_of, found, missing, progress
from kapsa.core.environments.environment import (
    EnvironmentInput,
    Plan,
    image_obstacle,
    pull_obstacle,
)
from kapsa.core.environments.expiry import Lifetime
from kapsa.core.environments.inventory import inventory
from kapsa.core.hosts.routes import KINDS, route_finding, route_refusal, routed_hosts
from kapsa.core.hosts.routing import route_absence
from kapsa.core.jobs.completion_status import history_of, phase_of, result_of_rollout, with_jobs
from kapsa.core.jobs.completions import Completions
from kapsa.core.tls.tls_status import CertificateState, certificate_state
from kapsa.core.workloads.configuration import Configuration, references_of
from kapsa.core.workloads.workload import Workload, no_workload
from kapsa.core.workloads.workloads import Live, workload_of_environment
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import EnvironmentStatus, Phase
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
        pods: The pods that say they are the Environment's, each trimmed.
    """

    objects: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    failure: Blocked | None = None
    pods: Sequence[Mapping[str, Any]] = ()


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
    workload, route = _workload(known, plan, observed), _route(known, observed)
    done = known.completions
    refused = route_refusal(route) if route else None
    blocked = observed.failure or plan.blocked or plan.waits or plan.held or refused
    host = _host_in_use(known, observed, is_held=bool(plan.blocked or observed.failure))
    certificate = _certificate(known, observed)
    ran = workload if plan.held else with_jobs(workload, done)
    serving = ran if blocked else _with_certificate(ran, certificate.problem)
    running = workload if done.lasts else ran
    url = _url(known, host)
    findings = (
        _ready(known, blocked, serving, _what_runs(serving, done, url)),
        *_host(known),
        *_configuration(known),
        *_registry(known),
        *_of_what_runs(known, workload, _absence(known, blocked, plan), route),
        *done.findings,
        *(certificate.findings if life.expired is None else ()),
        *_expiry(life),
        *_progress(known, blocked, serving),
    )
    return EnvironmentStatus(
        observed_generation=environment.metadata.generation,
        last_handled_requested_at=labels.requested_at(environment.metadata.annotations),
        phase=_phase(known, blocked, serving),
        conditions=conditions_of(
            findings,
            previous.conditions,
            generation=environment.metadata.generation,
            now=now,
        ),
        url=url if life.expired is None else "",
        host=host,
        image=running.image if running.complete else before.image,
        commit=running.commit if running.complete else before.commit,
        last_activity_at=_time(life.last_activity_at),
        last_activity_of=life.last_activity_of,
        active_since=_time(life.active_since),
        expires_at=_time(life.expires_at),
        resources=inventory(plan, observed.objects, workload, previous.resources),
        jobs=before.jobs
        if plan.blocked or plan.waits
        else done.records(before.jobs, observed.objects),
        history=history_of(
            environment.spec,
            previous.history,
            done,
            None
            if life.expired
            else result_of_rollout(ran, plan.held or observed.failure, plan.blocked or plan.waits),
            now,
        ),
    )


def _workload(known: EnvironmentInput, plan: Plan, observed: Observed) -> Workload:
    if known.lifetime.expired is not None:
        return no_workload()
    deployments = {
        name: live for (kind, name), live in observed.objects.items() if kind == "Deployment"
    }
    is_held = bool(plan.blocked or plan.waits or plan.held or observed.failure)
    live = Live(deployments, observed.pods, _secrets(known))
    return workload_of_environment(known.environment, live, is_held=is_held)


def _secrets(known: EnvironmentInput) -> tuple[str, ...] | None:
    """Return what must not show of what the containers write; None where that is not known."""
    if isinstance(known.configuration, Configuration):
        return known.configuration.secret_values
    return None if references_of(known.environment) else ()


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else to_rfc3339(seconds)


def _phase(known: EnvironmentInput, blocked: Blocked | None, workload: Workload) -> Phase:
    if known.environment.metadata.deletion_timestamp:
        return "Terminating"
    if known.lifetime.expired is not None:
        return "Expired"
    if blocked is not None:
        return _phase_of_blocked(known, blocked, workload)
    return phase_of(workload, known.completions)


def _phase_of_blocked(known: EnvironmentInput, blocked: Blocked, workload: Workload) -> Phase:
    if blocked.reason == Reason.SUSPENDED:
        return phase_of(workload, known.completions) if workload.complete else "Pending"
    if blocked == image_obstacle(known):
        return "Failed" if blocked.reason == Reason.BUILD_FAILED else "Building"
    if blocked.reason == Reason.RELEASE_RUNNING:
        return "Deploying"
    if blocked.reason == Reason.PROJECT_NOT_FOUND and _is_made_by_kapsa(known):
        # Whoever deleted the Project deleted this too; the garbage collector is on its way.
        return "Terminating"
    return "Failed" if blocked.stalled else "Pending"


def _is_made_by_kapsa(known: EnvironmentInput) -> bool:
    return known.environment.metadata.labels.get(labels.MANAGED_BY) == labels.MANAGER


def _ready(
    known: EnvironmentInput, blocked: Blocked | None, workload: Workload, what_runs: str
) -> Finding:
    status = known.environment.status
    if blocked is not None:
        suspended = blocked.reason == Reason.SUSPENDED
        what = "" if suspended else _what_is_left(status, workload)
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
    return found(ConditionType.READY, Reason.READY, what_runs)


def _what_is_left(status: EnvironmentStatus, workload: Workload) -> str:
    """Return how the version that ran fares, which another one was to follow."""
    running = workload.commit if workload.complete else status.commit
    if not running or not workload.exists:
        return ""
    if workload.failed or workload.broken:
        return "; meanwhile, " + sanitise(workload.finding.message, MESSAGE_LIMIT // 2)
    return f"; commit {running[:_SHORT_SHA]} keeps running"


def _absence(known: EnvironmentInput, blocked: Blocked | None, plan: Plan) -> Blocked | None:
    """Return why there is no route; None where there is one, or nobody has seen to it."""
    is_seen_to = blocked is None or blocked is plan.waits
    return route_absence(known.environment) if is_seen_to else None


def _what_runs(workload: Workload, done: Completions, url: str) -> str:
    what = f"commit {workload.commit[:_SHORT_SHA]}" if workload.commit else workload.image
    if done.ends:
        return f"{what} has run to completion"
    return f"{what} runs" + (f" at {url}" if url else "")


def _of_what_runs(
    known: EnvironmentInput,
    workload: Workload,
    absence: Blocked | None,
    route: Mapping[str, Any] | None,
) -> tuple[Finding, ...]:
    if known.lifetime.expired is not None:
        return ()
    routing = (route_finding(route),) if route else ()
    if absence is not None:
        routing = (missing(ConditionType.INGRESS_READY, absence),) if known.host else ()
    return (*_image(known), workload.finding, *routing)


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
    image = known.environment.spec.image or ""
    if known.image is not None:
        # Its tag may have moved, and nobody can tell.
        message = f"{image} stays: {known.image.message}"
        return (Finding(ConditionType.IMAGE_READY, True, known.image.reason, message),)
    return (found(ConditionType.IMAGE_READY, Reason.IMAGE_READY, image),)


def _host(known: EnvironmentInput) -> tuple[Finding, ...]:
    if isinstance(known.host, Blocked):
        return (missing(ConditionType.HOST_ALLOCATED, known.host),)
    if known.host:
        return (found(ConditionType.HOST_ALLOCATED, Reason.HOST_ALLOCATED, known.host),)
    return ()


def _configuration(known: EnvironmentInput) -> tuple[Finding, ...]:
    if isinstance(known.configuration, Blocked):
        return (missing(ConditionType.CONFIGURATION_READY, known.configuration),)
    if known.configuration is not None:
        return (found(ConditionType.CONFIGURATION_READY, Reason.CONFIGURATION_READY),)
    return ()


def _registry(known: EnvironmentInput) -> tuple[Finding, ...]:
    if not known.pulling.registry:
        return ()
    obstacle = pull_obstacle(known)
    if obstacle is not None:
        return (missing(ConditionType.REGISTRY_READY, obstacle),)
    return (found(ConditionType.REGISTRY_READY, Reason.REGISTRY_READY),)


def _host_in_use(known: EnvironmentInput, observed: Observed, *, is_held: bool) -> str:
    """Return the host: the one to have, or the one that is still routed while all is held up."""
    before = known.environment.status.host
    if is_held and before in routed_hosts(_route(known, observed)):
        return before
    return known.host if isinstance(known.host, str) else ""


def _url(known: EnvironmentInput, host: str) -> str:
    """Return where the Environment answers; nothing where no host leads to it."""
    before = known.environment.status.url
    if isinstance(known.host, Blocked) and before.endswith(f"://{host}"):
        # It is routed as it was.
        return before
    routed = host and route_absence(known.environment) is None
    return f"{known.tls.scheme}://{host}" if routed else ""


def _certificate(known: EnvironmentInput, observed: Observed) -> CertificateState:
    live = observed.objects.get(("Certificate", known.tls.tls.secret))
    return certificate_state(known.tls, live, known.pool)


def _with_certificate(workload: Workload, problem: Blocked | None) -> Workload:
    """Return the workload as people find it: who can't trust the host finds nothing ready."""
    if problem is None or not workload.complete:
        return workload
    finding = Finding(ConditionType.TLS_READY, False, problem.reason, problem.message)
    return replace(workload, finding=finding, complete=False, failed=problem.stalled)


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
