"""What an Environment becomes: objects, or the reason why there are none yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any

from kapsa.core.conditions import Blocked, find
from kapsa.core.drift import stamp
from kapsa.core.environments.expiry import Lifetime
from kapsa.core.environments.restoring import Applied, former_context, restorable
from kapsa.core.hosts.routing import annotation_refusal, route_absence
from kapsa.core.hosts.routing_rules import environment_routing_problem
from kapsa.core.images.pull_secrets import Pulling
from kapsa.core.jobs.completions import (
    NOTHING,
    Completions,
    JobFacts,
    completions_of,
    cron_objects,
    is_needed_by_pods,
)
from kapsa.core.manifests.certificate import host_certificate
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.copied import copied
from kapsa.core.manifests.http_route import http_route
from kapsa.core.manifests.ingress import ingress
from kapsa.core.places import Place
from kapsa.core.projects.namespaces import is_at_home, service_account_name
from kapsa.core.tls.tls_status import TlsInput
from kapsa.core.workloads.configuration import NO_CONFIGURATION, Configuration
from kapsa.core.workloads.pod_security import Profile, profile_refusal
from kapsa.core.workloads.process_objects import process_objects
from kapsa.core.workloads.runtime_rules import runtime_problem
from kapsa.core.workloads.volumes import claims_to_release, volume_claims, volume_obstacle
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason

Manifest = dict[str, Any]


@dataclass(frozen=True)
class EnvironmentInput:
    """All that the plan of an Environment depends on.

    Attributes:
        environment: The Environment.
        project: Its Project; None for one that stands alone.
        trust: Why its reference to the Project is not believed; None where it is.
        image: Why there is no image; None where `spec.image` names one.
        host: The host that it holds, why it holds none, or None where it wants none.
        pool: Where the host is from.
        routing: Why the cluster has no routes as the pool wants them; None where it has.
        tls: Where the certificate of the host comes from.
        lifetime: How long it lives.
        volume_claims: Live PersistentVolumeClaims by name, as far as its volumes have any.
        pod_security: The laxest Pod Security Standard that the operator allows.
        configuration: The ConfigMaps and Secrets that it gets, why it can't have them, or None
            where it names none.
        jobs: What is known of its Jobs.
        home: The namespace that it has for its own, where it stands alone, or what is wrong with
            that; None where it has none.
        pulling: With what its image is pulled.
        applied: What its live objects were applied from.
    """

    environment: Environment
    project: Project | None = None
    trust: Blocked | None = None
    image: Blocked | None = None
    host: str | Blocked | None = None
    pool: DomainPool | None = None
    routing: Blocked | None = None
    tls: TlsInput = field(default_factory=TlsInput)
    lifetime: Lifetime = field(default_factory=Lifetime)
    volume_claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pod_security: Profile = "restricted"
    configuration: Configuration | Blocked | None = None
    jobs: JobFacts = field(default_factory=JobFacts)
    home: Place | Blocked | None = None
    pulling: Pulling = field(default_factory=Pulling)
    applied: Applied = field(default_factory=dict)

    @property
    def completions(self) -> Completions:
        """What becomes of its release, jobs and crons; nothing of one that has expired."""
        if self.lifetime.expired is not None:
            return NOTHING
        return completions_of(self.environment, self.jobs, self.lifetime.active_since)


@dataclass(frozen=True)
class Plan:
    """What should be.

    Attributes:
        objects: Whole manifests, each stamped; what else the Environment owns is to be deleted.
        blocked: Why nothing is to be written or deleted: what runs keeps running.
        waits: Why `objects` are not of the version that is wanted, but of the one that runs.
        held: Why no more than `objects` is to be written, and nothing deleted, until `later`.
        later: What is to be beside them once nothing holds it any more.
        obsolete: Live Jobs that are to be ended, and must be gone before others can start.
        ends: Whether the Environment itself is to be deleted, and with it all that it owns.
        released: What of it is to outlive the Environment, and does not yet: it is written first,
            and even where something blocks the rest.
    """

    objects: tuple[Manifest, ...] = ()
    blocked: Blocked | None = None
    waits: Blocked | None = None
    held: Blocked | None = None
    later: tuple[Manifest, ...] = ()
    obsolete: tuple[Manifest, ...] = ()
    ends: bool = False
    released: tuple[Manifest, ...] = ()

    @property
    def spared(self) -> frozenset[str]:
        """Kinds of which nothing is to be deleted that is not among `objects`.

        Jobs of the version that runs are done, and are no part of it any more.
        """
        return frozenset({"Job"} if self.waits else ())


def plan_environment(known: EnvironmentInput) -> Plan:
    """Return the objects of an Environment, or what blocks it."""
    held = what_holds(known.environment, known.project, known.trust)
    if held is not None:
        return Plan(blocked=held)
    released = tuple(map(stamp, claims_to_release(known.environment, known.volume_claims)))
    if known.lifetime.expired is not None:
        # A Project would make it anew; one that stands alone is nobody's, and goes.
        return Plan(ends=known.environment.spec.project_ref is None, released=released)
    blocked = _what_blocks(known)
    if blocked is not None:
        return Plan(blocked=blocked, released=released)
    context = _context(known)
    former = former_context(context)
    refused, missing = pull_obstacle(known), image_obstacle(known)
    if missing is not None and refused is None and former is not None:
        return Plan(objects=tuple(_running(known, former)), waits=missing)
    blocked = missing or refused
    if blocked is not None:
        return Plan(blocked=blocked, released=released)
    return _in_order(known, context, former)


def _in_order(
    known: EnvironmentInput, context: WorkloadContext, former: WorkloadContext | None
) -> Plan:
    """Return the plan with what runs to completion: the release comes before all but its needs."""
    done = known.completions
    obsolete, release = tuple(map(dict, done.obsolete)), tuple(done.release_objects(context))
    objects = (*_objects(known, context), *done.objects(context))
    if done.obstacle is None:
        return Plan(objects=(*objects, *release), obsolete=obsolete)
    running = filterfalse(is_needed_by_pods, _running(known, former) if former else ())
    kept = restorable(running, known.environment.status.resources, known.applied)
    return Plan(
        objects=(*filter(is_needed_by_pods, objects), *kept, *release),
        held=done.obstacle,
        later=tuple(filterfalse(is_needed_by_pods, objects)),
        obsolete=obsolete,
    )


def _context(known: EnvironmentInput) -> WorkloadContext:
    spec = known.environment.spec
    got = known.configuration
    return WorkloadContext(
        environment=known.environment,
        image=spec.image or "",
        commit=spec.commit or "",
        host=known.host if isinstance(known.host, str) else "",
        pool=known.pool,
        scheme=known.tls.scheme,
        tls_secret=known.tls.tls.secret,
        configuration=got if isinstance(got, Configuration) else NO_CONFIGURATION,
        service_account=_service_account(known),
        pull_secret="" if _service_account(known) else known.pulling.secret,
    )


def _objects(known: EnvironmentInput, context: WorkloadContext) -> Iterator[Manifest]:
    """Yield all but what runs to completion."""
    yield from (stamp(copied(context, copy)) for copy in context.configuration.copies)
    yield from map(stamp, volume_claims(context, known.volume_claims))
    yield from map(stamp, process_objects(context))
    if context.host and route_absence(known.environment) is None:
        yield stamp(_route(context, known.pool))
        yield from map(stamp, _certificates(context, known))


def _running(known: EnvironmentInput, former: WorkloadContext) -> Iterator[Manifest]:
    """Yield the objects of the version that runs, but for what has run to completion."""
    yield from _objects(known, former)
    yield from cron_objects(former)


def _route(context: WorkloadContext, pool: DomainPool | None) -> Manifest:
    gateway = pool.spec.routing.gateway_ref if pool else None
    return http_route(context, gateway) if gateway else ingress(context)


def _certificates(context: WorkloadContext, known: EnvironmentInput) -> Iterator[Manifest]:
    offered = known.pool.spec.cert_manager if known.pool else None
    if known.tls.tls.source == "certificate" and offered and offered.issuer_ref:
        yield host_certificate(context, context.tls_secret, offered.issuer_ref)


def _service_account(known: EnvironmentInput) -> str:
    """Return whom the pods run as; where Kapsa makes nobody, the namespace's `default`."""
    if isinstance(known.home, Place):
        return known.home.service_account
    if known.project is None or not is_at_home(known.environment, known.project):
        return ""
    return service_account_name(known.project.metadata.name)


def what_holds(
    environment: Environment, project: Project | None, trust: Blocked | None
) -> Blocked | None:
    """Return why nothing at all may be done to an Environment; None where something may.

    Args:
        environment: The Environment.
        project: Its Project; None for one that stands alone.
        trust: Why its reference to the Project is not believed; None where it is.
    """
    if environment.spec.suspend or (project and project.spec.suspend):
        return Blocked(Reason.SUSPENDED, Reason.SUSPENDED.explanation)
    return trust


def _what_blocks(known: EnvironmentInput) -> Blocked | None:
    return next((obstacle for obstacle in _obstacles(known) if obstacle is not None), None)


def _obstacles(known: EnvironmentInput) -> Iterator[Blocked | None]:
    """Yield what may stand in the way, the first that counts first; None for what does not."""
    environment = known.environment
    runtime = environment.spec.runtime
    problem = runtime_problem(runtime) or environment_routing_problem(environment)
    if problem is not None:
        yield Blocked(problem.reason, str(problem), stalled=True)
    yield known.home if isinstance(known.home, Blocked) else None
    yield profile_refusal(runtime, known.pod_security)
    yield volume_obstacle(environment, known.volume_claims)
    yield known.host if isinstance(known.host, Blocked) else None
    yield known.routing
    yield annotation_refusal(environment, known.pool)
    yield known.tls.refusal
    yield known.configuration if isinstance(known.configuration, Blocked) else None


def pull_obstacle(known: EnvironmentInput) -> Blocked | None:
    """Return why the image can't be pulled from its Registry; None where it can."""
    return known.pulling.obstacle(_service_account(known))


def image_obstacle(known: EnvironmentInput) -> Blocked | None:
    """Return why the Environment has no image; None where it has one.

    Just after a start nobody has looked yet: what the status says of the last look still holds, so
    that a restart writes nothing.
    """
    environment = known.environment
    if environment.spec.image:
        return None
    if known.image is not None:
        return known.image
    conditions = environment.status.conditions
    before = find(conditions, ConditionType.IMAGE_READY)
    if before is not None and before.status == "False":
        stalled = find(conditions, ConditionType.STALLED)
        is_stalled = stalled is not None and stalled.reason == before.reason
        return Blocked(before.reason, before.message, is_stalled)
    return Blocked(
        Reason.IMAGE_PENDING,
        "spec.image is not set; "
        + (
            "the Project is looking it up"
            if environment.spec.project_ref
            else "set it to the image that should run"
        ),
    )
