"""What a plan is made from, put together from files and from what is assumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kapsa.cli.planning.images import is_built
from kapsa.cli.planning.known import PlanInput, environments_of
from kapsa.cli.planning.listings import assumed_refs, with_what_is_known
from kapsa.cli.planning.sources import Given
from kapsa.cli.planning.values import UNKNOWN_SOURCE, UNKNOWN_UID, Manifest
from kapsa.core.conditions import Blocked
from kapsa.core.images.pull_secrets import pull_secret_name
from kapsa.core.offers import absence
from kapsa.core.projects.furnishings import NamespaceRules
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.previews import merged_into, pull_requests_from_refs
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.registry import Registry

_SOURCES_UNREAD = (
    "Kapsa builds the images, and only the operator reads the source: the tag of a commit that no"
    f" Environment has yet ends in -{UNKNOWN_SOURCE} here"
)
_NOTHING_KNOWN = (
    "nothing is known of the repository: each branch that the Project names is taken to be at the"
    " commit that its Environment has, or else at a made-up one, and there are no new previews;"
    " give --refs"
)
_REFS_SAY_LITTLE = (
    "refs don't tell drafts, labels and forks, nor closed pull requests whose branch is kept; give"
    " --pulls"
)


@dataclass(frozen=True)
class Listed:
    """What is known of the repository; None for what isn't."""

    refs: RefListing | None = None
    pull_requests: PullRequestListing | None = None


@dataclass(frozen=True)
class Offered:
    """What there is for the Project; see `PlanInput`."""

    pool: DomainPool | Blocked | None = None
    refusal: Blocked | None = None
    routing: Blocked | None = None
    has_cert_manager: bool = True
    registry: Registry | Blocked | None = None
    pull_secret: str = ""
    rules: NamespaceRules = field(default_factory=NamespaceRules)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[Manifest, ...] = ()
    volume_claims: tuple[Manifest, ...] = ()


@dataclass(frozen=True)
class Assembled:
    """What a plan is made from, and what had to be assumed for it, a sentence each."""

    known: PlanInput
    notes: tuple[str, ...] = ()


def assemble(
    project: Project,
    environments: Sequence[Manifest],
    offered: Offered,
    listed: Listed,
    now: float,
) -> Assembled:
    """Return what the plan of the Project is made from.

    Args:
        project: The Project.
        environments: Every Environment that is known, as it is stored.
        offered: What it may use.
        listed: What is known of its repository.
        now: Unix time.
    """
    mine = environments_of(project, environments)
    pull_requests, notes = _pull_requests(project, listed, mine)
    refs = listed.refs
    if refs is None:
        refs = assumed_refs(project.spec, mine)
        notes = (_NOTHING_KNOWN,)
    if is_built(project):
        notes = (*notes, _SOURCES_UNREAD)
    known = PlanInput(
        project=project,
        refs=refs,
        pull_requests=pull_requests,
        environments=tuple(environments),
        pool=offered.pool,
        refusal=offered.refusal,
        routing=offered.routing,
        has_cert_manager=offered.has_cert_manager,
        registry=offered.registry,
        pull_secret=offered.pull_secret,
        rules=offered.rules,
        namespaces=offered.namespaces,
        jobs=offered.jobs,
        volume_claims=offered.volume_claims,
        now=now,
    )
    return Assembled(known, notes)


def _pull_requests(
    project: Project, listed: Listed, mine: Sequence[Environment]
) -> tuple[PullRequestListing, tuple[str, ...]]:
    """Return the open pull requests as far as they are known, and what had to be assumed."""
    if listed.pull_requests is not None:
        return listed.pull_requests, ()
    if listed.refs is None:
        return PullRequestListing(), ()
    found = pull_requests_from_refs(listed.refs, merged_into(project.spec))
    rules = project.spec.preview_environments
    if project.spec.repository.provider == "git" or not (
        rules.enabled and rules.pull_requests.enabled
    ):
        return found, ()
    return with_what_is_known(found, mine), (_REFS_SAY_LITTLE,)


def identified(project: Manifest, environments: Sequence[Manifest]) -> Manifest:
    """Return the Project with a UID: its own, the one that its Environments name, or none yet."""
    meta = project["metadata"]
    references = [item["spec"].get("projectRef") or {} for item in environments]
    named = (
        reference["uid"]
        for reference in references
        if (reference.get("name"), reference.get("namespace")) == (meta["name"], meta["namespace"])
    )
    uid = meta.get("uid") or next(named, UNKNOWN_UID)
    return {**project, "metadata": {**meta, "uid": uid}}


def offered_by_files(project: Project, given: Given) -> tuple[Offered, tuple[str, ...]]:
    """Return what the Project may use according to the files, and what had to be assumed.

    Where there is no DomainPool at all among them, hosts end in a name that nobody can have.
    """
    spec, notes = project.spec, []
    pool: DomainPool | Blocked | None = None
    if spec.domain is not None:
        name = spec.domain.domain_pool_ref.name
        if name in given.pools:
            pool = DomainPool.model_validate(given.pools[name])
        elif given.pools:
            pool = absence("DomainPool", name)
        else:
            base = f"{name}.invalid"
            pool = DomainPool.model_validate(
                {"metadata": {"name": name}, "spec": {"baseDomains": [base]}}
            )
            notes.append(f"DomainPool {name} is not among the files: hosts end in {base} here")
    registry = _registry(project, given)
    if registry is None and spec.registry is not None and is_built(project):
        name = spec.registry.name
        notes.append(f"Registry {name} is not among the files: images are at {name}.invalid here")
    return Offered(
        pool=pool, registry=registry, pull_secret=pull_secret_of(registry, given.registries)
    ), tuple(notes)


def pull_secret_of(registry: Registry | Blocked | None, registries: Mapping[str, Manifest]) -> str:
    """Return the name of the Secret with which images are pulled; nothing for none.

    Args:
        registry: The Registry that a Project names.
        registries: All Registries that are known.
    """
    if not isinstance(registry, Registry):
        return ""
    return pull_secret_name(registry, map(Registry.model_validate, registries.values()))


def _registry(project: Project, given: Given) -> Registry | Blocked | None:
    if project.spec.registry is None or not given.registries:
        return None
    name = project.spec.registry.name
    if name not in given.registries:
        return absence("Registry", name)
    return Registry.model_validate(given.registries[name])
