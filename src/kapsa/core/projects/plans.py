"""The plan of a Project: values that the planner makes and that policies look over."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kapsa.core.conditions import Blocked
from kapsa.core.projects.naming import BRANCH, PULL_REQUEST, Identity
from kapsa.models.environment import Environment, PullRequest
from kapsa.models.ingress import Ingress
from kapsa.models.project_status import Candidate
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime
from kapsa.utils.text import sanitise

_REF_LIMIT = 250


@dataclass(frozen=True)
class Target:
    """What an environment is told to run.

    Attributes:
        commit: The commit; nothing where only its image is known.
        branch: The branch that the environment follows; nothing for none.
        tag: The tag that the commit has, where it follows tags.
        image: The image, by its digest, that is run without a look at the registry, or why there is
            none; None for the image of the commit, which is looked up.
    """

    commit: str
    branch: str = ""
    tag: str = ""
    image: str | Blocked | None = None


@dataclass(frozen=True)
class DesiredEnvironment:
    """An Environment that should be."""

    identity: Identity
    slug: str
    name: str
    namespace: str
    target: Target
    runtime: Runtime
    ingress: Ingress = field(default_factory=Ingress)
    pull_request: PullRequest | None = None

    @property
    def branch(self) -> str:
        """Its branch; nothing for none."""
        return self.target.branch

    @property
    def commit(self) -> str:
        """Its commit; nothing where that isn't known."""
        return self.target.commit


@dataclass(frozen=True)
class Preview:
    """A preview that should be, and the candidate that it comes from."""

    environment: DesiredEnvironment
    candidate: Candidate


@dataclass(frozen=True)
class ProjectPlan:
    """What to do with the Environments of a Project.

    Attributes:
        create: Those that don't exist.
        update: Those that do.
        unwanted: Environments that the Project's spec doesn't want any more.
        vanished: Environments whose pull request or branch is gone from a complete listing.
        held: Environments that would be deleted, but are kept until it is certain.
        skipped: Candidates without a preview, each with the reason.
        previewed: Candidates with one.
        offered: What permanent environments that wait to be told could run.
        limit: The most previews that may run.
        homes: Names of all Environments that are, or should be: what was made for any other is left
            over. None where the listings don't tell.
    """

    create: tuple[DesiredEnvironment, ...] = ()
    update: tuple[DesiredEnvironment, ...] = ()
    unwanted: tuple[Environment, ...] = ()
    vanished: tuple[Environment, ...] = ()
    held: tuple[Environment, ...] = ()
    skipped: tuple[Candidate, ...] = ()
    previewed: tuple[Candidate, ...] = ()
    offered: tuple[DesiredEnvironment, ...] = ()
    limit: int = 0
    homes: frozenset[str] | None = None

    @property
    def delete(self) -> tuple[Environment, ...]:
        """Environments to delete."""
        return self.unwanted + self.vanished

    @property
    def wanted(self) -> tuple[DesiredEnvironment, ...]:
        """Environments that should be."""
        return self.create + self.update


def told(plan: ProjectPlan, absent: Mapping[Identity, Blocked]) -> ProjectPlan:
    """Return the plan, saying of previews that could not be made why there is none.

    Args:
        plan: A plan.
        absent: Why there is no Environment, by what it would stand for.
    """
    reasons = {_named(identity): blocked for identity, blocked in absent.items()}
    previewed, others = [], []
    for item in plan.previewed:
        blocked = reasons.get((PULL_REQUEST, str(item.pr)) if item.pr else (BRANCH, item.ref))
        if blocked is None:
            previewed.append(item)
            continue
        decision = "Skipped" if blocked.stalled else "Queued"
        others.append(item.model_copy(update={"decision": decision, "reason": str(blocked.reason)}))
    return replace(plan, previewed=tuple(previewed), skipped=(*plan.skipped, *others))


def _named(identity: Identity) -> Identity:
    """Return what a preview stands for as its candidate names it."""
    kind, text = identity
    return (kind, sanitise(text, _REF_LIMIT) if kind == BRANCH else text)


def candidate(
    ref: str, reason: Reason, *, pr: int = 0, sha: str = "", decision: str = "Skipped"
) -> Candidate:
    """Return what becomes of a branch or pull request, and why.

    A pull request whose head is gone has no branch: it shows as `-`.
    """
    return Candidate.model_validate(
        {
            "ref": sanitise(ref, _REF_LIMIT) or "-",
            "pr": pr,
            "sha": sha,
            "decision": decision,
            "reason": str(reason),
        }
    )
