"""Which Environments a Project should have: refs and pull requests in, a plan out."""

from dataclasses import dataclass

from kapsa.core import naming
from kapsa.core.listings import PullRequestListing, RefListing
from kapsa.core.merge import merge_runtime
from kapsa.core.plans import DesiredEnvironment, ProjectPlan, candidate
from kapsa.core.policies import limit_active
from kapsa.core.previews import Build, PreviewInput, wanted_previews
from kapsa.models.environment import Environment, PullRequest
from kapsa.models.project import Candidate, PermanentEnvironment, Project
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime


@dataclass(frozen=True)
class ProjectInput:
    """All that the plan of a Project depends on.

    Attributes:
        project: The Project.
        namespace: Where its Environments live.
        refs: The branches, as last listed.
        pull_requests: The open pull requests, as last listed.
        existing: The Project's Environments.
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

    An incomplete listing creates and deletes nothing that depends on it: what exists stays at the
    commit it has, and still follows the Project's spec.
    """
    project = known.project.metadata.name
    existing = {naming.identity(item, project): item for item in known.existing}
    permanent, absent = _permanent_environments(known, existing)
    previews, skipped = wanted_previews(
        PreviewInput(
            spec=known.project.spec,
            refs=known.refs,
            pull_requests=known.pull_requests,
            existing=existing,
            build=_preview_builder(known, existing),
        )
    )
    active, queued = limit_active(
        previews,
        {item.metadata.name for item in known.existing},
        known.project.spec.preview_environments.max_active,
    )
    wanted = permanent + tuple(preview.environment for preview in active)
    leftover = [
        (identity, item)
        for identity, item in existing.items()
        if identity not in {desired.identity for desired in wanted}
        and not item.metadata.deletion_timestamp
        and not _is_kept(identity, known)
    ]
    may_return = {preview.environment.identity for preview in previews}
    vanished = {
        identity
        for identity, _ in leftover
        if _comes_from_listing(identity, known) and identity not in may_return
    }
    return ProjectPlan(
        create=tuple(desired for desired in wanted if desired.identity not in existing),
        update=tuple(desired for desired in wanted if desired.identity in existing),
        unwanted=tuple(item for identity, item in leftover if identity not in vanished),
        vanished=tuple(item for identity, item in leftover if identity in vanished),
        skipped=absent + skipped + queued,
        previewed=tuple(preview.candidate for preview in active),
    )


def _permanent_environments(
    known: ProjectInput, existing: dict[naming.Identity, Environment]
) -> tuple[tuple[DesiredEnvironment, ...], tuple[Candidate, ...]]:
    """Return the permanent environments whose commit is known, and which branches are absent."""
    desired = []
    absent = []
    for permanent in known.project.spec.environments:
        identity = (naming.PERMANENT, permanent.name)
        sha = known.refs.branches.get(permanent.branch)
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


def _is_kept(identity: naming.Identity, known: ProjectInput) -> bool:
    """Tell whether an environment stays although its commit is unknown: its branch is only away."""
    names = {permanent.name for permanent in known.project.spec.environments}
    return identity[0] == naming.PERMANENT and identity[1] in names


def _comes_from_listing(identity: naming.Identity, known: ProjectInput) -> bool:
    """Tell whether a listing, and not the Project's spec, decides about the environment."""
    rules = known.project.spec.preview_environments
    enabled = {
        naming.PULL_REQUEST: rules.pull_requests.enabled,
        naming.BRANCH: rules.branches.enabled,
    }
    return rules.enabled and enabled.get(identity[0], False)


def _preview_builder(known: ProjectInput, existing: dict[naming.Identity, Environment]) -> Build:
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
    existing: dict[naming.Identity, Environment],
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
