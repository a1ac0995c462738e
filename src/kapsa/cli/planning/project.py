"""The plan of a Project: what the controllers would do, from what is known, without doing it."""

from kapsa.cli.planning.environment import Planner
from kapsa.cli.planning.known import PlanInput, environments_of
from kapsa.cli.planning.places import places
from kapsa.cli.planning.values import Offer, PlannedEnvironment, PlannedProject
from kapsa.core import labels
from kapsa.core.conditions import Blocked, find
from kapsa.core.hosts.domain import candidate_subdomains
from kapsa.core.projects import naming
from kapsa.core.projects.namespaces import environment_namespace
from kapsa.core.projects.plans import ProjectPlan
from kapsa.core.projects.policies import HoldInput, hold_mass_deletion
from kapsa.core.projects.project import ProjectInput, plan_environments
from kapsa.core.projects.unmentioned import unmentioned_refs
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason
from kapsa.utils.times import from_rfc3339


def plan_project(known: PlanInput) -> PlannedProject:
    """Return what the operator would do for the Project."""
    spec, meta = known.project.spec, known.project.metadata
    if spec.suspend:
        suspended = Blocked(Reason.SUSPENDED, Reason.SUSPENDED.explanation)
        return PlannedProject(meta.name, meta.namespace, failure=suspended)
    mine = environments_of(known.project, known.environments)
    plan = _plan(known, mine)
    environments = tuple(
        sorted(
            Planner(known, _subdomain(known)).environments(plan),
            key=lambda item: _place(known, item),
        )
    )
    return PlannedProject(
        name=meta.name,
        namespace=meta.namespace,
        places=tuple(places(known, environments)),
        environments=environments,
        offers=tuple(
            Offer(item.name, item.branch or item.target.tag, item.commit) for item in plan.offered
        ),
        candidates=(
            *plan.skipped,
            *unmentioned_refs(spec, known.refs, known.pull_requests, plan),
        ),
    )


def _plan(known: PlanInput, mine: tuple[Environment, ...]) -> ProjectPlan:
    project = known.project
    names = {item.metadata.name for item in mine}
    plan = plan_environments(
        ProjectInput(
            project=project,
            refs=known.refs,
            pull_requests=known.pull_requests,
            existing=mine,
            taken=frozenset(
                item["metadata"]["name"]
                for item in known.environments
                if item["metadata"]["name"] not in names
                and item["metadata"]["namespace"]
                == environment_namespace(project, item["metadata"]["name"])
            ),
        )
    )
    held = find(project.status.conditions, ConditionType.CLEANUP_HELD)
    since = held.last_transition_time if held and held.status == "True" else ""
    previews = [item for item in mine if item.spec.type == "preview"]
    return hold_mass_deletion(
        plan,
        HoldInput(
            previews=sum(not item.metadata.deletion_timestamp for item in previews),
            held_since=from_rfc3339(since),
            listed_at=known.now,
            hold=known.hold,
        ),
    )


def _subdomain(known: PlanInput) -> str | Blocked:
    """Return the subdomain that the Project has, or would claim; nothing without a domain."""
    domain, meta = known.project.spec.domain, known.project.metadata
    if domain is None or known.pool is None:
        return ""
    if known.refusal is not None:
        return known.refusal
    held = known.project.status.subdomain
    if held and domain.subdomain in (None, held):
        return held
    if isinstance(known.pool, Blocked):
        return known.pool
    candidates = candidate_subdomains(domain.subdomain, meta.name, meta.namespace, known.pool)
    return candidates if isinstance(candidates, Blocked) else candidates[0]


def _place(known: PlanInput, item: PlannedEnvironment) -> tuple[int, int, str]:
    """Return what sorts: permanent ones as the spec lists them, then previews by their number."""
    order = {item.name: place for place, item in enumerate(known.project.spec.environments)}
    instance = (item.manifest["metadata"].get("labels") or {}).get(labels.INSTANCE, "")
    is_permanent = item.spec["type"] == naming.PERMANENT
    number = (item.spec.get("pullRequest") or {}).get("number", 0)
    return (order.get(instance, -1) if is_permanent else len(order), number, item.name)
