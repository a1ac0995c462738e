"""An application in a laboratory: its repository, its images, and the objects that describe it.

The demo's story and the integration tests are told with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lab.deadline import Deadline
from lab.errors import LabError
from lab.gitea import Gitea, Repository
from lab.images import Registry, push_image
from lab.objects import read_object, read_objects
from lab.operator import NAMESPACE
from lab.platform import Platform
from lab.worktree import Worktree, worktree

Manifest = dict[str, Any]
T = TypeVar("T")

_POLL = 0.1
_API_VERSION = "kapsa-project.io/v1alpha1"


class NotSoError(LabError):
    """Something that should have come true in time did not."""


def wait_for(what: str, look: Callable[[], T | None], within: float = 30.0) -> T:
    """Look until there is something to see, and return it.

    Args:
        what: What is waited for, for the message.
        look: Returns what was looked for; None or False for not yet.
        within: Seconds after which to give up; see `lab.deadline`.

    Raises:
        NotSoError: It did not come in time.
    """
    deadline = Deadline(within)
    while True:
        found = look()
        if found:
            return found
        if deadline.has_passed:
            raise NotSoError(f"not within {within:.0f} s: {what}")
        time.sleep(_POLL)


@dataclass(frozen=True)
class Application:
    """A developer's application: a private repository, a namespace of a team, an image repository.

    `name` is the Project's name and the repository's; `namespace` is the team's.
    """

    platform: Platform
    name: str
    namespace: str
    repository: Repository
    worktree: Worktree
    gitea: Gitea
    registry: Registry
    token: str = field(repr=False)

    @property
    def image_repository(self) -> str:
        """Path of its images in the registry."""
        return f"{self.repository.owner}/{self.name}"

    def commit(
        self,
        branch: str = "main",
        *,
        files: Mapping[str, str | bytes | None] | None = None,
        image: bool = True,
    ) -> str:
        """Commit on a branch and push it, and (with `image`) an image of it; return the SHA."""
        content = files or {"version.txt": f"{branch} {time.time_ns()}\n"}
        sha = self.worktree.commit(content, f"Change {branch}", branch)
        if image:
            self.push_image(sha)
        self.worktree.push(branch)
        return sha

    def tag(self, name: str, sha: str, *, annotated: bool = False) -> None:
        """Tag a commit, and push the tag."""
        self.worktree.tag(name, sha, annotated=annotated)

    def push_image(self, tag: str) -> str:
        """Push an image of that tag, as CI would; return its digest."""
        return push_image(self.registry, self.image_repository, tag)

    def open_pull_request(self, branch: str, title: str = "") -> int:
        """Open a pull request from a pushed branch to main; return its number."""
        return self.gitea.open_pull_request(
            self.repository, branch, "main", title or f"Merge {branch}"
        )

    def close_pull_request(self, number: int) -> None:
        """Close a pull request without merging it."""
        self.gitea.close_pull_request(self.repository, number)

    def apply(self, *manifests: Manifest) -> None:
        """Apply manifests as a developer or admin would."""
        self.platform.apply(*manifests)

    def team(self) -> tuple[Manifest, ...]:
        """Return the team's namespace and the Secret with its git token."""
        return (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": f"{self.name}-git", "namespace": self.namespace},
                "stringData": {"token": self.token},
            },
        )

    def project(self, **spec: Any) -> Manifest:
        """Return the Project; `spec` goes over its spec, field by field."""
        return {
            "apiVersion": _API_VERSION,
            "kind": "Project",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "repository": {
                    "url": self.repository.clone_url,
                    "pollInterval": "1s",
                    "credentials": {"secretRef": {"name": f"{self.name}-git"}},
                },
                "build": {
                    "strategy": "prebuilt",
                    "image": f"{self.registry.host}/{self.image_repository}:{{sha}}",
                },
                "registry": {"name": "lab"},
                "domain": {"domainPoolRef": {"name": "apps"}},
                "environments": [{"name": "production", "branch": "main"}],
                **spec,
            },
        }

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """Return an object; None where there is none."""
        where = self.namespace if namespace is None else namespace
        return read_object(self.platform.api_server, kind, name, where)

    def list(self, kinds: str, **selectors: str) -> list[Manifest]:
        """Return the objects of some kinds (with commas between them) in all namespaces.

        `selectors` are `labelSelector` and `fieldSelector`.
        """
        return read_objects(self.platform.api_server, kinds, **selectors)

    def delete(
        self, kind: str, name: str, namespace: str | None = None, *, wait: bool = True
    ) -> None:
        """Delete an object of a kind, and (with `wait`) return once it is gone."""
        where = ("-n", self.namespace if namespace is None else namespace)
        how = ("--ignore-not-found", f"--wait={str(wait).lower()}")
        self.platform.kubectl("delete", kind, name, *where, *how)

    def annotate(self, kind: str, name: str, namespace: str, **annotations: str) -> None:
        """Set annotations below `kapsa-project.io/` on an object."""
        values = [f"kapsa-project.io/{key}={value}" for key, value in annotations.items()]
        self.platform.kubectl("annotate", kind, name, "-n", namespace, "--overwrite", *values)

    def request(self) -> None:
        """Ask for the Project to be looked at now, as a person would."""
        self.annotate("project", self.name, self.namespace, requestedAt=str(time.time_ns()))

    def environments(self) -> dict[str, Manifest]:
        """Return the Project's Environments by the part of their names after the Project's."""
        found = self.list("environments")
        return {
            item["metadata"]["name"].removeprefix(f"{self.name}-"): item
            for item in found
            if (
                (item["spec"].get("projectRef") or {}).get("name"),
                (item["spec"].get("projectRef") or {}).get("namespace"),
            )
            == (self.name, self.namespace)
        }

    def environment(self, slug: str) -> Manifest | None:
        """Return one of the Project's Environments; None where there is none."""
        return self.environments().get(slug)

    def wait_until_running(self, slug: str, sha: str, within: float = 30.0) -> Manifest:
        """Wait until an Environment runs a commit and says Ready; return it."""

        def look() -> Manifest | None:
            found = self.environment(slug)
            status = (found or {}).get("status") or {}
            return found if status.get("commit") == sha and is_ready(found) else None

        return wait_for(f"Environment {self.name}-{slug} runs {sha[:7]}", look, within)

    def wait_until_gone(self, slug: str, within: float = 30.0) -> None:
        """Wait until an Environment and all that it owned is gone."""
        selector = f"kapsa-project.io/environment={self.name}-{slug}"

        def look() -> bool:
            if self.environment(slug) is not None:
                return False
            kinds = "deployments,services,ingresses,replicasets,pods"
            return not self.list(kinds, labelSelector=selector)

        wait_for(f"Environment {self.name}-{slug} and its objects are gone", look, within)

    def wait_for_condition(
        self, type_: str, reason: str, *, slug: str = "", within: float = 30.0
    ) -> Manifest:
        """Wait until a condition of the Project (or of its Environment) has a reason; return it."""

        def look() -> Manifest | None:
            whose = self.environment(slug) if slug else self.get("project", self.name)
            found = condition(whose, type_)
            return found if found.get("reason") == reason else None

        return wait_for(f"{type_} of {self.name} {slug} has reason {reason}", look, within)


def condition(manifest: Manifest | None, type_: str) -> Manifest:
    """Return a condition of an object's status; an empty one where there is none."""
    conditions = ((manifest or {}).get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item["type"] == type_), {})


def is_ready(manifest: Manifest | None) -> bool:
    """Tell whether an object says that it is Ready, about what it is asked to be now."""
    ready = condition(manifest, "Ready")
    generation = ((manifest or {}).get("metadata") or {}).get("generation")
    return ready.get("status") == "True" and ready.get("observedGeneration") == generation


def lone_environment(name: str, namespace: str, **spec: Any) -> Manifest:
    """Return an Environment that belongs to no Project, as CI would write it."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "Environment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def admin_objects(registry: Registry) -> tuple[Manifest, ...]:
    """Return what an admin sets up: the DomainPool `apps` and the Registry `lab`."""
    return (
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/basic-auth",
            "metadata": {"name": "lab-pull", "namespace": NAMESPACE},
            "stringData": {
                "username": registry.pull_username,
                "password": registry.pull_password,
            },
        },
        {
            "apiVersion": _API_VERSION,
            "kind": "Registry",
            "metadata": {"name": "lab"},
            "spec": {
                "endpoint": registry.host,
                "insecure": True,
                "pullAuth": {"secretRef": {"name": "lab-pull"}},
            },
        },
        {
            "apiVersion": _API_VERSION,
            "kind": "DomainPool",
            "metadata": {"name": "apps"},
            "spec": {
                "baseDomains": ["apps.localhost"],
                "allocationPolicy": {"reservedSubdomains": ["www", "admin"]},
            },
        },
    )


@contextmanager
def application(platform: Platform, name: str, namespace: str) -> Iterator[Application]:
    """Make a private repository of that name, in an organisation called like the team."""
    gitea, registry = platform.gitea, platform.registry
    if gitea is None or registry is None:
        raise LabError("An application needs the forge and the registry of the laboratory.")
    gitea.create_organisation(namespace)
    repository = gitea.create_repository(name, owner=namespace)
    with worktree(gitea.git_url_with_credentials(repository)) as tree:
        yield Application(
            platform=platform,
            name=name,
            namespace=namespace,
            repository=repository,
            worktree=tree,
            gitea=gitea,
            registry=registry,
            token=gitea.create_token(),
        )
