"""Sees to what a Project's plan stands on: namespace, repository, subdomain, Registry."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.config import Settings
from kapsa.controllers.applier import Applier
from kapsa.controllers.offers import Offers
from kapsa.controllers.outcome import interpret
from kapsa.controllers.polling import Poller, Source
from kapsa.controllers.secrets import read_secret
from kapsa.controllers.subdomains import Subdomains
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.manifests.namespace import namespace, namespace_name
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from kapsa.utils.durations import parse_duration


@dataclass(frozen=True)
class Surroundings:
    """What a Project's plan stands on.

    Attributes:
        namespace: Where its Environments live.
        failure: Why there is no such namespace: nothing can be done.
        repository: Why the repository can't be asked; None where it can.
        subdomain: The subdomain that it holds; nothing without one.
        domain_problem: Why it holds none although it wants one.
        registry: The Registry it names.
        registry_problem: Why that can't be used.
    """

    namespace: str
    failure: Blocked | None = None
    repository: Blocked | None = None
    subdomain: str = ""
    domain_problem: Blocked | None = None
    registry: Registry | None = None
    registry_problem: Blocked | None = None


@dataclass(frozen=True)
class ProjectInputs:
    """Makes and finds what Projects need.

    Attributes:
        cluster: The API.
        applier: Writes namespaces.
        subdomains: Gives subdomains.
        offers: Finds Registries.
        poller: Reads repositories.
        settings: The operator's settings.
    """

    cluster: Cluster
    applier: Applier
    subdomains: Subdomains
    offers: Offers
    poller: Poller
    settings: Settings

    async def see_to(self, project: Project) -> Surroundings:
        """Return what the plan stands on, or why a part of it is missing."""
        name = namespace_name(project)
        try:
            await self._ensure_namespace(project)
        except AdapterError as error:
            return Surroundings(name, failure=interpret(error).blocked)
        repository = None
        try:
            await self._watch(project)
        except AdapterError as error:
            repository = interpret(error).blocked
            if isinstance(error, Stalled):
                # Credentials that were taken away are not used from memory.
                self.poller.unwatch((project.metadata.namespace, project.metadata.name))
        subdomain = await self.subdomains.see_to(project)
        registry = await self._registry(project)
        return Surroundings(
            namespace=name,
            repository=repository,
            subdomain=subdomain if isinstance(subdomain, str) else "",
            domain_problem=subdomain if isinstance(subdomain, Blocked) else None,
            registry=registry if isinstance(registry, Registry) else None,
            registry_problem=registry if isinstance(registry, Blocked) else None,
        )

    async def _ensure_namespace(self, project: Project) -> None:
        if project.spec.isolation == "Shared":
            return
        uid = project.metadata.uid
        live = await self.applier.apply(
            stamp(namespace(project)),
            lambda live: labels.is_owned_by(live, uid),
            Reason.NAMESPACE_CONFLICT,
        )
        if live["metadata"].get("deletionTimestamp"):
            raise Waiting(
                Reason.NAMESPACE_TERMINATING,
                f"namespace {live['metadata']['name']} is being deleted; it is made anew once it"
                " is gone",
                retry_after=2.0,
            )

    async def _watch(self, project: Project) -> None:
        meta, repository = project.metadata, project.spec.repository
        credentials = None
        if repository.credentials is not None:
            wanted_by = f"Project {meta.name}: spec.repository.credentials.secretRef"
            secret = await read_secret(
                self.cluster, repository.credentials.secret_ref.name, meta.namespace, wanted_by
            )
            credentials = Credentials.from_secret(secret, wanted_by)
        self.poller.watch(
            (meta.namespace, meta.name),
            Source(repository.url, repository.provider, repository.api_url, credentials),
            self.poll_interval(project),
        )

    def poll_interval(self, project: Project) -> float:
        """Return the seconds between two looks at what the Project reads: repository and Secret."""
        wanted = project.spec.repository.poll_interval
        interval = self.settings.default_poll_interval if wanted is None else parse_duration(wanted)
        return max(interval, self.settings.min_poll_interval)

    async def _registry(self, project: Project) -> Registry | Blocked | None:
        """Return the Registry that the Project names, or why it can't use that."""
        if project.spec.registry is None:
            return None
        registry = self.offers.registry(project.spec.registry.name)
        if isinstance(registry, Blocked):
            return registry
        try:
            return await self.offers.refusal(registry, project.metadata.namespace) or registry
        except AdapterError as error:
            return interpret(error).blocked
