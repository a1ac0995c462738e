"""The status of a Project: what was found, planned and is running, summed up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kapsa.core import labels
from kapsa.core.builds.summary import BuildSummary, build_finding
from kapsa.core.conditions import Blocked, Finding, conditions_of, find, found, missing, progress
from kapsa.core.environments.expiry import expired_for
from kapsa.core.projects import naming
from kapsa.core.projects.namespaces import common_namespace, environment_namespace, is_at_home
from kapsa.core.projects.plans import ProjectPlan
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.project_status import (
    Available,
    Candidate,
    EnvironmentSummary,
    LatestCommit,
    ProjectStatus,
)
from kapsa.models.reasons import Reason
from kapsa.utils.times import to_rfc3339

_MOST_ITEMS = 200
_MOST_NAMED = 3
_SHORT_SHA = 7


@dataclass(frozen=True)
class ProjectObserved:
    """What a Project's status is made from.

    Attributes:
        project: The Project.
        subdomain: The subdomain that it holds; nothing without one.
        environments: The live Environments that name it.
        plan: The plan; None where none could be made.
        offers: What permanent environments that wait to be told could run, by their names; None
            where that isn't known.
        head: Newest commit of the default branch; nothing where that isn't known.
        repository: Why the repository can't be read; None where it can.
        builds: How its builds are; None where there are none, or that isn't known.
        registry: Why the Registry can't be used; None where it can, or none is named.
        domain: Why there is no subdomain; None where there is one, or none is wanted.
        failure: What went wrong while the plan was carried out.
        polled_at: Unix time of the last good poll; None for never.
        next_poll_at: Unix time of the next poll; None where that isn't known.
        polling: Whether a poll that a person asked for is still under way.
    """

    project: Project
    environments: Sequence[Environment] = ()
    plan: ProjectPlan | None = None
    offers: Mapping[str, Available] | None = None
    subdomain: str = ""
    head: str = ""
    repository: Blocked | None = None
    builds: BuildSummary | None = None
    registry: Blocked | None = None
    domain: Blocked | None = None
    failure: Blocked | None = None
    polled_at: float | None = None
    next_poll_at: float | None = None
    polling: bool = False


def project_status(seen: ProjectObserved, now: float) -> ProjectStatus:
    """Return the status of the Project as a whole; `now` is the Unix time of any change.

    An Environment of another namespace that merely names the Project is none of it.
    """
    mine = [item for item in seen.environments if is_at_home(item, seen.project)]
    seen = replace(seen, environments=mine)
    project, previous = seen.project, seen.project.status
    generation = project.metadata.generation
    findings = _findings(seen)
    summaries = _summaries(seen)
    candidates = (*seen.plan.previewed, *seen.plan.skipped) if seen.plan else previous.candidates
    return ProjectStatus(
        observed_generation=generation,
        last_handled_requested_at=(
            previous.last_handled_requested_at
            if seen.polling
            else labels.requested_at(project.metadata.annotations)
        ),
        conditions=conditions_of(
            findings, previous.conditions, generation=generation, now=to_rfc3339(now)
        ),
        namespace=common_namespace(project),
        subdomain=seen.subdomain or previous.subdomain,
        latest_commit=_latest_commit(seen, now),
        latest_image=_latest_image(seen),
        last_poll_time=_time(seen.polled_at) or previous.last_poll_time,
        next_poll_time=_time(seen.next_poll_at) or previous.next_poll_time,
        environment_count=sum(item.spec.type == "permanent" for item in mine),
        preview_count=sum(item.spec.type == "preview" for item in mine),
        url=_url(seen),
        environments=summaries[:_MOST_ITEMS],
        candidates=_most_telling(candidates),
    )


def _findings(seen: ProjectObserved) -> tuple[Finding, ...]:
    held = seen.plan.held if seen.plan else ()
    hold = (
        Finding(
            ConditionType.CLEANUP_HELD,
            True,
            Reason.MASS_DELETION,
            f"{len(held)} previews vanished from the repository at once; they are kept until"
            " another listing confirms it. To delete them now, annotate the Project with"
            f" {labels.REQUESTED_AT}=<now>",
        )
        if held
        else _still_held(seen)
    )
    environments = _environments_finding(seen)
    parts = (
        seen.failure,
        seen.repository,
        seen.registry,
        seen.domain,
    )
    blocked = next((part for part in parts if part is not None), None)
    return (
        _ready(blocked, environments),
        _part(ConditionType.REPOSITORY_ACCESSIBLE, seen.repository, Reason.REPOSITORY_ACCESSIBLE),
        *_optional(
            ConditionType.REGISTRY_READY,
            seen.registry,
            Reason.REGISTRY_READY,
            seen.project.spec.registry,
        ),
        *_builds(seen),
        *_optional(
            ConditionType.DOMAIN_READY, seen.domain, Reason.DOMAIN_READY, seen.project.spec.domain
        ),
        environments,
        hold,
        *(() if blocked and blocked.reason == Reason.SUSPENDED else progress(blocked)),
    )


def _builds(seen: ProjectObserved) -> tuple[Finding, ...]:
    """Return the condition of the builds; as before, where they weren't looked at."""
    if seen.builds is not None:
        return (build_finding(seen.builds),)
    before = find(seen.project.status.conditions, ConditionType.BUILD_SUCCEEDED)
    if before is None or seen.project.spec.build.strategy == "prebuilt":
        return ()
    status = {"True": True, "False": False}.get(before.status)
    return (Finding(ConditionType.BUILD_SUCCEEDED, status, before.reason, before.message),)


def _still_held(seen: ProjectObserved) -> Finding:
    """Return the condition where nothing is held, or where no good listing could tell."""
    before = find(seen.project.status.conditions, ConditionType.CLEANUP_HELD)
    unknown = seen.plan is None or seen.repository is not None
    if unknown and before is not None and before.status == "True":
        return Finding(ConditionType.CLEANUP_HELD, True, before.reason, before.message)
    return Finding(
        ConditionType.CLEANUP_HELD,
        False,
        Reason.NO_MASS_DELETION,
        Reason.NO_MASS_DELETION.explanation,
    )


def _ready(blocked: Blocked | None, environments: Finding) -> Finding:
    if blocked is not None:
        return missing(ConditionType.READY, blocked)
    return Finding(
        ConditionType.READY, environments.status, environments.reason, environments.message
    )


def _part(type_: ConditionType, blocked: Blocked | None, reason: Reason) -> Finding:
    return missing(type_, blocked) if blocked else found(type_, reason)


def _optional(
    type_: ConditionType, blocked: Blocked | None, reason: Reason, wanted: object
) -> tuple[Finding, ...]:
    return (_part(type_, blocked, reason),) if wanted or blocked else ()


def _environments_finding(seen: ProjectObserved) -> Finding:
    waiting = []
    living = [item for item in seen.environments if expired_for(item) is None]
    for environment in living:
        ready = find(environment.status.conditions, ConditionType.READY)
        if ready is None or ready.status != "True":
            reason = ready.reason if ready else Reason.RECONCILING
            waiting.append(f"{environment.metadata.name} ({reason})")
    total = len(living)
    if not waiting:
        plural = "environment is" if total == 1 else "environments are"
        return found(
            ConditionType.ENVIRONMENTS_READY, Reason.ENVIRONMENTS_READY, f"{total} {plural} ready"
        )
    named = ", ".join(sorted(waiting)[:_MOST_NAMED])
    more = f" and {len(waiting) - _MOST_NAMED} more" if len(waiting) > _MOST_NAMED else ""
    return Finding(
        ConditionType.ENVIRONMENTS_READY,
        False,
        Reason.ENVIRONMENTS_NOT_READY,
        f"{len(waiting)} of {total} not ready: {named}{more}",
    )


def _most_telling(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return as many candidates as fit, pull requests and what has a preview first; in order."""
    by_interest = sorted(candidates, key=lambda item: (not item.pr, item.decision != "Previewed"))
    return tuple(sorted(by_interest[:_MOST_ITEMS], key=lambda item: (item.pr, item.ref)))


def _url(seen: ProjectObserved) -> str:
    """Return where the first permanent environment of the spec that there is answers."""
    project = seen.project
    order = [permanent.name for permanent in project.spec.environments]
    urls = {
        name: item.status.url
        for item in seen.environments
        for kind, name in (naming.identity(item, project.metadata.name, frozenset(order)),)
        if kind == naming.PERMANENT
    }
    return next((urls[name] for name in order if name in urls), "")


def _summaries(seen: ProjectObserved) -> tuple[EnvironmentSummary, ...]:
    """Return the environments that exist, and those that wait to be told what to run."""
    offers = _offers(seen)
    existing = {item.metadata.name for item in seen.environments}
    summaries = [
        EnvironmentSummary(
            name=name,
            namespace=environment_namespace(seen.project, name),
            type="permanent",
            available=available,
        )
        for name, available in offers.items()
        if name not in existing
    ]
    for environment in seen.environments:
        ready = find(environment.status.conditions, ConditionType.READY)
        summaries.append(
            EnvironmentSummary(
                name=environment.metadata.name,
                namespace=environment.metadata.namespace,
                type=environment.spec.type,
                ready=ready is not None and ready.status == "True",
                phase=environment.status.phase,
                url=environment.status.url,
                commit=environment.spec.commit or "",
                image=environment.status.image,
                available=offers.get(environment.metadata.name),
            )
        )
    return tuple(sorted(summaries, key=lambda item: (item.type != "permanent", item.name)))


def _offers(seen: ProjectObserved) -> Mapping[str, Available]:
    """Return what environments could run; where that isn't known, as before."""
    if seen.offers is not None:
        return seen.offers
    before = seen.project.status.environments
    return {item.name: item.available for item in before if item.available}


def _latest_commit(seen: ProjectObserved, now: float) -> LatestCommit | None:
    previous = seen.project.status.latest_commit
    if not seen.head:
        return previous
    branch = seen.project.spec.repository.branch
    if previous is not None and (previous.sha, previous.branch) == (seen.head, branch):
        return previous.model_copy(update={"short_sha": previous.sha[:_SHORT_SHA]})
    return LatestCommit(
        sha=seen.head,
        short_sha=seen.head[:_SHORT_SHA],
        branch=branch,
        first_seen=to_rfc3339(now),
    )


def _latest_image(seen: ProjectObserved) -> str:
    """Return the image of the newest commit; that of the last one before it has an image."""
    images = (
        item.spec.image
        for item in seen.environments
        if item.spec.image and item.spec.commit == seen.head and item.spec.type == "permanent"
    )
    return next(images, None) or seen.project.status.latest_image


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else to_rfc3339(seconds)
