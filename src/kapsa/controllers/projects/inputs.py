"""Sees to what a Project's plan stands on: namespace, repository, subdomain, pool, Registry."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.config import Settings
from kapsa.controllers.hosts.subdomains import Subdomains
from kapsa.controllers.namespaces.furnishing import Furnished, Furnisher
from kapsa.controllers.offers import Offers
from kapsa.controllers.projects.polling import Poller, Source
from kapsa.controllers.reconciling.cache import Key
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.registries.verdicts import Verdicts
from kapsa.controllers.secrets import repository_credentials
from kapsa.core.conditions import Blocked
from kapsa.core.images.repositories import repository_refusal
from kapsa.core.images.rights import rights_of
from kapsa.core.images.verdict import registry_trouble
from kapsa.core.projects.namespaces import common_namespace
from kapsa.models.domain_pool import DomainPool
from kapsa.models.project import Project
from kapsa.models.registry import Registry
from kapsa.utils.durations import parse_duration


@dataclass(frozen=True)
class Surroundings:
    """What a Project's plan stands on.

    Attributes:
        furnished: How the namespace of all its Environments is; None where each has its own.
        pool: The DomainPool that it names, or why that can't be used; None where it names none.
        repository: Why the repository can't be asked; None where it can.
        subdomain: The subdomain that it holds; nothing without one.
        domain_problem: Why it holds none although it wants one.
        registry: The Registry it names.
        registry_problem: Why that can't be used.
        registry_trouble: What it doesn't let Kapsa do for the Project, by its own words.
    """

    furnished: Furnished | None = None
    pool: DomainPool | Blocked | None = None
    repository: Blocked | None = None
    subdomain: str = ""
    domain_problem: Blocked | None = None
    registry: Registry | None = None
    registry_problem: Blocked | None = None
    registry_trouble: Blocked | None = None

    @property
    def failure(self) -> Blocked | None:
        """Why nothing at all can be done; None where something can."""
        return self.furnished.unusable if self.furnished else None


@dataclass(frozen=True)
class ProjectInputs:
    """Makes and finds what Projects need.

    Attributes:
        cluster: The API.
        furnisher: Sees to namespaces.
        subdomains: Gives subdomains.
        offers: Finds Registries.
        poller: Reads repositories.
        settings: The operator's settings.
        verdicts: What Registries say to what Projects need.
    """

    cluster: Cluster
    furnisher: Furnisher
    subdomains: Subdomains
    offers: Offers
    poller: Poller
    settings: Settings
    verdicts: Verdicts

    async def see_to(self, project: Project) -> Surroundings:
        """Return what the plan stands on, or why a part of it is missing."""
        pool = self._pool(project)
        furnished = None
        if common_namespace(project):
            furnished = await self.furnisher.see_to(project, "", pool)
            if furnished.unusable is not None:
                return Surroundings(furnished, pool)
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
            furnished=furnished,
            pool=pool,
            repository=repository,
            subdomain=subdomain if isinstance(subdomain, str) else "",
            domain_problem=subdomain if isinstance(subdomain, Blocked) else None,
            registry=registry if isinstance(registry, Registry) else None,
            registry_problem=registry if isinstance(registry, Blocked) else None,
            registry_trouble=self._ask_for(project, registry),
        )

    def _pool(self, project: Project) -> DomainPool | Blocked | None:
        domain = project.spec.domain
        return self.offers.pool(domain.domain_pool_ref.name) if domain else None

    async def _watch(self, project: Project) -> None:
        meta, repository = project.metadata, project.spec.repository
        credentials = await repository_credentials(self.cluster, project)
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

    def forget(self, key: Key) -> None:
        """Need nothing more for a Project: it is gone, or rests."""
        self.poller.unwatch(key)
        self.verdicts.need(key, "")

    def _ask_for(self, project: Project, registry: Registry | Blocked | None) -> Blocked | None:
        """Have the Registry asked for what the Project needs; return what is refused so far."""
        key = (project.metadata.namespace, project.metadata.name)
        if not isinstance(registry, Registry):
            self.verdicts.need(key, "")
            return None
        name = registry.metadata.name
        self.verdicts.need(key, name, rights_of(project, registry))
        return registry_trouble(project, registry, self.verdicts.of(name))

    async def _registry(self, project: Project) -> Registry | Blocked | None:
        """Return the Registry that the Project names, or why it can't use that."""
        if project.spec.registry is None:
            return None
        registry = self.offers.registry(project.spec.registry.name)
        if isinstance(registry, Blocked):
            return registry
        try:
            refusal = await self.offers.refusal(registry, project.metadata.namespace)
        except AdapterError as error:
            return interpret(error).blocked
        return refusal or repository_refusal(project, registry) or registry
