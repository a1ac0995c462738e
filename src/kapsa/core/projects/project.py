"""Which Environments a Project should have: refs and pull requests in, a plan out."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from kapsa.core.environments.expiry import expired_for
from kapsa.core.projects import naming
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.merge import merge_ingress, merge_runtime
from kapsa.core.projects.namespaces import environment_namespace, is_at_home
from kapsa.core.projects.permanent import Sources, decide
from kapsa.core.projects.plans import DesiredEnvironment, ProjectPlan, Target, candidate
from kapsa.core.projects.policies import let_rest, limit_active
from kapsa.core.projects.previews import Build, PreviewInput, uncertain_kinds, wanted_previews
from kapsa.models.environment import Environment, PullRequest
from kapsa.models.ingress import Ingress
from kapsa.models.project import PermanentEnvironment, Project
from kapsa.models.project_status import Candidate
from kapsa.models.runtime import Runtime

Existing = dict[naming.Identity, Environment]


@dataclass(frozen=True)
class ProjectInput:
    """All that the plan of a Project depends on.

    Attributes:
        project: The Project.
        refs: The branches and tags, as last listed.
        pull_requests: The open pull requests, as last listed.
        existing: The Environments that name the Project.
        taken: Names of Environments that belong to others, and are where one of the Project's of
            that name would be.
    """

    project: Project
    refs: RefListing
    pull_requests: PullRequestListing
    existing: tuple[Environment, ...] = ()
    taken: frozenset[str] = frozenset()


def plan_environments(known: ProjectInput) -> ProjectPlan:
    """Return what to create, update and delete, with the reason for every ref left out.

    An uncertain listing creates and deletes nothing that depends on it: what exists stays at the
    commit it has, and still follows the Project's spec. What is being deleted is left to that; what
    has the same name or stands for the same is created once it is gone. A preview that has expired
    stays as it is, until it has a new commit and there is a place for it.
    """
    known = _without_strangers(known)
    spec = known.project.spec
    existing, superfluous = naming.by_identity(
        known.existing,
        known.project.metadata.name,
        {permanent.name for permanent in spec.environments},
    )
    permanent = _permanent_environments(known, existing)
    previews, skipped = wanted_previews(
        PreviewInput(
            spec=spec,
            refs=known.refs,
            pull_requests=known.pull_requests,
            existing=existing,
            build=_preview_builder(known, existing),
        )
    )
    limit = spec.preview_environments.max_active
    living, resting = let_rest(previews, existing)
    active, queued = limit_active(living, existing, limit)
    wanted = permanent.desired + tuple(preview.environment for preview in active)
    may_return = {preview.environment.identity for preview in previews}
    kept = {desired.identity for desired in wanted} | {
        identity for identity in may_return & existing.keys() if expired_for(existing[identity])
    }
    leftover = _leftover(known, existing, kept, may_return)
    vanished = {
        identity
        for identity in leftover
        if _comes_from_listing(identity, known) and identity not in may_return
    }
    new = _new(known, existing, wanted, leftover)
    return ProjectPlan(
        create=new,
        update=tuple(
            desired
            for desired in wanted
            if desired.identity in existing
            and not existing[desired.identity].metadata.deletion_timestamp
        ),
        unwanted=_living(
            (*(leftover[item] for item in leftover if item not in vanished), *superfluous)
        ),
        vanished=_living(leftover[identity] for identity in leftover if identity in vanished),
        skipped=permanent.absent + skipped + resting + queued,
        previewed=tuple(preview.candidate for preview in active),
        offered=permanent.offered,
        limit=limit,
        homes=_homes(known, (*wanted, *new)),
    )


def _without_strangers(known: ProjectInput) -> ProjectInput:
    """Leave out Environments of other namespaces: anybody may name the Project in their own."""
    mine = tuple(item for item in known.existing if is_at_home(item, known.project))
    return replace(known, existing=mine)


def _homes(known: ProjectInput, wanted: Iterable[DesiredEnvironment]) -> frozenset[str] | None:
    """Return the names of all Environments that are, or should be; None where that isn't known."""
    spec = known.project.spec
    if uncertain_kinds(spec, known.refs, known.pull_requests):
        return None
    existing = (item.metadata.name for item in known.existing)
    return frozenset((*existing, *(desired.name for desired in wanted)))


def _living(environments: Iterable[Environment]) -> tuple[Environment, ...]:
    """Return those that aren't being deleted already."""
    return tuple(item for item in environments if not item.metadata.deletion_timestamp)


def _leftover(
    known: ProjectInput,
    existing: Existing,
    wanted: AbstractSet[naming.Identity],
    queued: AbstractSet[naming.Identity],
) -> Existing:
    """Return the Environments that shouldn't be any more; not even one that is `queued` should."""
    uncertain = uncertain_kinds(known.project.spec, known.refs, known.pull_requests)
    permanent = {permanent.name for permanent in known.project.spec.environments}
    kept = wanted | {
        (kind, text)
        for kind, text in existing.keys() - queued
        # A permanent environment stays without what it follows, which may be away for a moment.
        if (kind == naming.PERMANENT and text in permanent) or kind in uncertain
    }
    return {identity: item for identity, item in existing.items() if identity not in kept}


def _new(
    known: ProjectInput,
    existing: Existing,
    wanted: Iterable[DesiredEnvironment],
    leftover: Existing,
) -> tuple[DesiredEnvironment, ...]:
    """Return those that don't exist, but for those whose name is not free yet."""
    names = {item.metadata.name for item in known.existing}
    staying = {
        item.metadata.name for identity, item in existing.items() if identity not in leftover
    }
    project = known.project.metadata.name
    new = []
    for desired in wanted:
        if desired.identity in existing:
            continue
        name = naming.environment_name(project, desired.slug, known.taken | staying)
        if name not in names:
            where = environment_namespace(known.project, name)
            new.append(replace(desired, name=name, namespace=where))
    return tuple(new)


@dataclass(frozen=True)
class _Permanent:
    """What becomes of the permanent environments."""

    desired: tuple[DesiredEnvironment, ...]
    offered: tuple[DesiredEnvironment, ...]
    absent: tuple[Candidate, ...]


def _permanent_environments(known: ProjectInput, existing: Existing) -> _Permanent:
    sources = Sources(known.refs, existing)
    offers = {item.name: item.available for item in known.project.status.environments}
    desired, offered, absent = [], [], []
    for permanent in known.project.spec.environments:
        identity = (naming.PERMANENT, permanent.name)
        layers = _permanent_layers(known.project, permanent)
        before = offers.get(_name(known, existing, identity))
        decision = decide(permanent, sources, before)
        if decision.told is not None:
            desired.append(_desired(known, existing, identity, decision.told, layers=layers))
        if decision.offered is not None:
            offered.append(_desired(known, existing, identity, decision.offered, layers=layers))
        if decision.missing is not None:
            followed = permanent.branch or permanent.tag or permanent.promote_from or ""
            absent.append(candidate(followed, decision.missing))
    return _Permanent(tuple(desired), tuple(offered), tuple(absent))


@dataclass(frozen=True)
class _Layers:
    """What the layers of a Project give together for one of its environments."""

    runtime: Runtime
    ingress: Ingress


def _permanent_layers(project: Project, permanent: PermanentEnvironment) -> _Layers:
    return _Layers(
        merge_runtime(project.spec.runtime, permanent.runtime),
        merge_ingress(project.spec.ingress, permanent.ingress),
    )


def _comes_from_listing(identity: naming.Identity, known: ProjectInput) -> bool:
    """Tell whether a listing, and not the Project's spec, decides about the environment."""
    rules = known.project.spec.preview_environments
    enabled = {
        naming.PULL_REQUEST: rules.pull_requests.enabled,
        naming.BRANCH: rules.branches.enabled,
    }
    return rules.enabled and enabled.get(identity[0], False)


def _preview_builder(known: ProjectInput, existing: Existing) -> Build:
    spec = known.project.spec
    layers = _Layers(
        merge_runtime(spec.runtime, spec.preview_environments.runtime),
        merge_ingress(spec.ingress, spec.preview_environments.ingress),
    )

    def build(
        identity: naming.Identity, branch: str, sha: str, pull_request: PullRequest | None
    ) -> DesiredEnvironment:
        target = Target(sha, branch=branch)
        return _desired(known, existing, identity, target, layers=layers, pull_request=pull_request)

    return build


def _desired(
    known: ProjectInput,
    existing: Existing,
    identity: naming.Identity,
    target: Target,
    *,
    layers: _Layers,
    pull_request: PullRequest | None = None,
) -> DesiredEnvironment:
    name = _name(known, existing, identity)
    return DesiredEnvironment(
        identity=identity,
        slug=_slug(known, identity),
        name=name,
        namespace=environment_namespace(known.project, name),
        target=target,
        runtime=layers.runtime,
        ingress=layers.ingress,
        pull_request=pull_request,
    )


def _slug(known: ProjectInput, identity: naming.Identity) -> str:
    reserved = {permanent.name for permanent in known.project.spec.environments}
    return naming.identity_slug(identity, known.project.metadata.name, reserved)


def _name(known: ProjectInput, existing: Existing, identity: naming.Identity) -> str:
    """Return the name that the environment has, or would get."""
    if identity in existing:
        return existing[identity].metadata.name
    project = known.project.metadata.name
    return naming.environment_name(project, _slug(known, identity), known.taken)
