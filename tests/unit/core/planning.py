"""Plans in tests: a Project, what was listed and what exists in; a short form of the plan out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kapsa.core.manifests.environment import EnvironmentContext
from kapsa.core.manifests.environment import environment as environment_of
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.projects.namespaces import common_namespace
from kapsa.core.projects.plans import DesiredEnvironment, ProjectPlan
from kapsa.core.projects.project import ProjectInput, plan_environments
from kapsa.models import Environment, Project
from kapsa.models.environment import EnvironmentStatus
from tests.builders import CREATED, condition, environment, project, sha

SHOP = project("shop")
NAMESPACE = common_namespace(SHOP)
BRANCHES = {"enabled": True, "include": ["*"]}
PRODUCTION = {"name": "production", "branch": "main"}


def shop(
    *permanent: Mapping[str, Any],
    branches: Mapping[str, Any] | None = None,
    pull_requests: Mapping[str, Any] | None = None,
    **previews: Any,
) -> Project:
    """Return the Project `shop` with those permanent environments and rules for previews."""
    rules = previews | {"branches": branches or {}, "pullRequests": pull_requests or {}}
    return project("shop", environments=list(permanent), previewEnvironments=rules)


def pr(number: int, head: str = "", **more: Any) -> OpenPullRequest:
    """Return an open pull request; its head is `topic-<number>`, at the SHA of its number."""
    known: dict[str, Any] = {"sha": sha(number), "head": head or f"topic-{number}"} | more
    return OpenPullRequest(number=number, **known)


def preview(number: int, name: str = "", **more: Any) -> Environment:
    """Return the existing preview of a pull request, at the SHA of its number."""
    known: dict[str, Any] = {"branch": f"topic-{number}", "commit": sha(number)} | more
    return environment(
        name or f"shop-pr-{number}", of=SHOP, namespace=NAMESPACE, pr=number, **known
    )


def expired(item: Environment, reason: str = "TtlExpired") -> Environment:
    """Return the Environment as its status says that it has expired at its commit."""
    said = EnvironmentStatus.model_validate(
        {
            "conditions": [condition("Expired", reason=reason)],
            "lastActivityOf": item.spec.commit,
        }
    )
    return item.model_copy(update={"status": said})


def branch_preview(branch: str, name: str = "", **more: Any) -> Environment:
    """Return the existing preview of a branch, at the SHA of its name."""
    known: dict[str, Any] = {"branch": branch, "commit": sha(branch), "namespace": NAMESPACE} | more
    return environment(name or f"shop-{branch}", of=SHOP, **known)


def permanent(name: str, branch: str = "main", object_name: str = "", **more: Any) -> Environment:
    """Return an existing permanent environment, at the SHA of its branch."""
    labels = {"app.kubernetes.io/instance": name}
    known: dict[str, Any] = {
        "branch": branch,
        "type": "permanent",
        "commit": sha(branch),
        "metadata": {"labels": labels},
    } | more
    return environment(object_name or f"shop-{name}", of=SHOP, namespace=NAMESPACE, **known)


def terminating(item: Environment) -> Environment:
    """Return the Environment on its way out."""
    gone = item.metadata.model_copy(update={"deletion_timestamp": CREATED})
    return item.model_copy(update={"metadata": gone})


def made(desired: DesiredEnvironment, of: Project = SHOP) -> Environment:
    """Return the Environment that the plan leads to."""
    manifest = environment_of(desired, EnvironmentContext(of))
    manifest["metadata"] |= {"uid": f"uid-{desired.name}", "creationTimestamp": CREATED}
    return Environment.model_validate(manifest)


@dataclass(frozen=True)
class Given:
    """What a plan is made from: by default a Project without anything, all listings complete."""

    project: Project = SHOP
    branches: Mapping[str, str] = field(default_factory=lambda: {"main": sha("main")})
    tags: Mapping[str, str] = field(default_factory=dict)
    prs: Sequence[OpenPullRequest] = ()
    existing: Sequence[Environment] = ()
    refs_complete: bool = True
    prs_complete: bool = True
    empty_answers: int = 2
    taken: Iterable[str] = ()

    def plan(self) -> ProjectPlan:
        """Return the plan."""
        return plan_environments(
            ProjectInput(
                project=self.project,
                refs=RefListing(dict(self.branches), self.refs_complete, tags=dict(self.tags)),
                pull_requests=PullRequestListing(
                    tuple(self.prs), self.prs_complete, 0 if self.prs else self.empty_answers
                ),
                existing=tuple(self.existing),
                taken=frozenset(self.taken),
            )
        )


def short(plan: ProjectPlan) -> dict[str, Any]:
    """Return what a plan says, in names, without what is empty."""
    decisions = [
        f"{item.pr or item.ref}: {item.decision} {item.reason}"
        for item in (*plan.skipped, *plan.previewed)
    ]
    said = {
        "create": [item.name for item in plan.create],
        "update": [item.name for item in plan.update],
        "unwanted": [item.metadata.name for item in plan.unwanted],
        "vanished": [item.metadata.name for item in plan.vanished],
        "skipped": [text for text in decisions if ": Previewed" not in text],
    }
    return {key: value for key, value in said.items() if value}
