"""Which Environments a Project should have: refs and pull requests in, a plan out."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from kapsa.core import naming
from kapsa.core.listings import PullRequestListing, RefListing
from kapsa.core.merge import merge_runtime
from kapsa.core.plans import DesiredEnvironment, ProjectPlan, candidate
from kapsa.core.policies import limit_active
from kapsa.core.previews import Build, PreviewInput, uncertain_kinds, wanted_previews
from kapsa.models.environment import Environment, PullRequest
from kapsa.models.project import Candidate, PermanentEnvironment, Project
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime

Existing = dict[naming.Identity, Environment]


@dataclass(frozen=True)
class ProjectInput:
    """All that the plan of a Project depends on.

    Attributes:
        project: The Project.
        namespace: Where its Environments live.
        refs: The branches, as last listed.
        pull_requests: The open pull requests, as last listed.
        existing: The Environments that name the Project.
        taken: Names of Environments in `namespace` that belong to others.
    """

    project: Project
    namespace: str
    refs: RefListing
    pull_requests: PullRequestListing
    existing: tuple[Environment, ...] = ()
    taken: frozenset[str] = frozenset()


def plan_environments(known: ProjectInput) -> ProjectPlan:
    """Return what to create, update and delete, with the reason for every ref left out.

    An uncertain listing creates and deletes nothing that depends on it: what exists stays at the
    commit it has, and still follows the Project's spec. What is being deleted is left to that; what
    has the same name or stands for the same is created once it is gone.
    """
    known = _without_strangers(known)
    spec = known.project.spec
    existing, superfluous = naming.by_identity(
        known.existing,
        known.project.metadata.name,
        {permanent.name for permanent in spec.environments},
    )
    permanent, absent = _permanent_environments(known, existing)
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
    active, queued = limit_active(previews, existing.keys(), limit)
    wanted = permanent + tuple(preview.environment for preview in active)
    may_return = {preview.environment.identity for preview in previews}
    leftover = _leftover(known, existing, {desired.identity for desired in wanted}, may_return)
    vanished = {
        identity
        for identity in leftover
        if _comes_from_listing(identity, known) and identity not in may_return
    }
    return ProjectPlan(
        create=_new(known, existing, wanted, leftover),
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
        skipped=absent + skipped + queued,
        previewed=tuple(preview.candidate for preview in active),
        limit=limit,
    )


def _without_strangers(known: ProjectInput) -> ProjectInput:
    """Leave out Environments of other namespaces: anybody may name the Project in their own."""
    mine = tuple(item for item in known.existing if item.metadata.namespace == known.namespace)
    return replace(known, existing=mine)


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
        # A permanent environment stays without its branch, which may be away for a moment only.
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
            new.append(replace(desired, name=name))
    return tuple(new)


def _permanent_environments(
    known: ProjectInput, existing: Existing
) -> tuple[tuple[DesiredEnvironment, ...], tuple[Candidate, ...]]:
    """Return the permanent environments whose commit is known, and which branches are absent."""
    desired = []
    absent = []
    for permanent in known.project.spec.environments:
        identity = (naming.PERMANENT, permanent.name)
        sha = known.refs.branches.get(permanent.branch) if known.refs.complete else None
        if sha is None and known.refs.complete:
            absent.append(candidate(permanent.branch, Reason.BRANCH_NOT_FOUND))
        if sha is None and identity in existing:
            sha = existing[identity].spec.commit
        if sha:
            desired.append(
                _desired(
                    known,
                    existing,
                    identity,
                    branch=permanent.branch,
                    commit=sha,
                    runtime=_permanent_runtime(known.project, permanent),
                )
            )
    return tuple(desired), tuple(absent)


def _permanent_runtime(project: Project, permanent: PermanentEnvironment) -> Runtime:
    return merge_runtime(project.spec.runtime, permanent.runtime)


def _comes_from_listing(identity: naming.Identity, known: ProjectInput) -> bool:
    """Tell whether a listing, and not the Project's spec, decides about the environment."""
    rules = known.project.spec.preview_environments
    enabled = {
        naming.PULL_REQUEST: rules.pull_requests.enabled,
        naming.BRANCH: rules.branches.enabled,
    }
    return rules.enabled and enabled.get(identity[0], False)


def _preview_builder(known: ProjectInput, existing: Existing) -> Build:
    runtime = merge_runtime(
        known.project.spec.runtime, known.project.spec.preview_environments.runtime
    )

    def build(
        identity: naming.Identity, branch: str, sha: str, pull_request: PullRequest | None
    ) -> DesiredEnvironment:
        return _desired(
            known,
            existing,
            identity,
            branch=branch,
            commit=sha,
            runtime=runtime,
            pull_request=pull_request,
        )

    return build


def _desired(
    known: ProjectInput,
    existing: Existing,
    identity: naming.Identity,
    *,
    branch: str,
    commit: str,
    runtime: Runtime,
    pull_request: PullRequest | None = None,
) -> DesiredEnvironment:
    project = known.project.metadata.name
    reserved = {permanent.name for permanent in known.project.spec.environments}
    slug = naming.identity_slug(identity, project, reserved)
    name = (
        existing[identity].metadata.name
        if identity in existing
        else naming.environment_name(project, slug, known.taken)
    )
    return DesiredEnvironment(
        identity=identity,
        slug=slug,
        name=name,
        namespace=known.namespace,
        branch=branch,
        commit=commit,
        runtime=runtime,
        pull_request=pull_request,
    )
