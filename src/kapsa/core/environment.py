"""What an Environment becomes: objects, or the reason why there are none yet."""

from dataclasses import dataclass, field
from typing import Any

from kapsa.core.autoscaling import autoscaler_of
from kapsa.core.conditions import Blocked, find
from kapsa.core.drift import stamp
from kapsa.core.expiry import Lifetime
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.deployment import deployment
from kapsa.core.manifests.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from kapsa.core.manifests.http_route import http_route
from kapsa.core.manifests.ingress import ingress
from kapsa.core.manifests.service import service
from kapsa.core.runtime_rules import runtime_problem
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
        lifetime: How long it lives.
    """

    environment: Environment
    project: Project | None = None
    trust: Blocked | None = None
    image: Blocked | None = None
    host: str | Blocked | None = None
    pool: DomainPool | None = None
    routing: Blocked | None = None
    lifetime: Lifetime = field(default_factory=Lifetime)


@dataclass(frozen=True)
class Plan:
    """What should be.

    Attributes:
        objects: Whole manifests, each stamped; what else the Environment owns is to be deleted.
        blocked: Why nothing is to be written or deleted: what runs keeps running.
        ends: Whether the Environment itself is to be deleted, and with it all that it owns.
    """

    objects: tuple[Manifest, ...] = ()
    blocked: Blocked | None = None
    ends: bool = False


def plan_environment(known: EnvironmentInput) -> Plan:
    """Return the objects of an Environment, or what blocks it."""
    held = what_holds(known.environment, known.project, known.trust)
    if held is not None:
        return Plan(blocked=held)
    if known.lifetime.expired is not None:
        # A Project would make it anew; one that stands alone is nobody's, and goes.
        return Plan(ends=known.environment.spec.project_ref is None)
    blocked = _what_blocks(known)
    if blocked is not None:
        return Plan(blocked=blocked)
    spec = known.environment.spec
    host = known.host if isinstance(known.host, str) else ""
    context = WorkloadContext(
        environment=known.environment,
        image=spec.image or "",
        commit=spec.commit or "",
        host=host,
        ingress_class_name=known.pool.spec.routing.ingress_class_name if known.pool else None,
    )
    objects = [deployment(context), service(context)]
    if host:
        objects.append(_route(context, known.pool))
    if (wanted := autoscaler_of(spec.runtime)) is not None:
        objects.append(horizontal_pod_autoscaler(context, wanted))
    return Plan(objects=tuple(stamp(manifest) for manifest in objects))


def _route(context: WorkloadContext, pool: DomainPool | None) -> Manifest:
    gateway = pool.spec.routing.gateway_ref if pool else None
    return http_route(context, gateway) if gateway else ingress(context)


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
    problem = runtime_problem(known.environment.spec.runtime)
    if problem is not None:
        return Blocked(problem.reason, str(problem), stalled=True)
    if isinstance(known.host, Blocked):
        return known.host
    if known.routing is not None:
        return known.routing
    return image_obstacle(known)


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
