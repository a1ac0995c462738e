"""Sees to what a Project's plan stands on: namespace, repository, subdomain, Registry."""

from dataclasses import dataclass

from pydantic import ValidationError

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.config import Settings
from kapsa.controllers.applier import Applier
from kapsa.controllers.claims import Claims
from kapsa.controllers.outcome import interpret
from kapsa.controllers.polling import Poller, Source
from kapsa.controllers.secrets import read_secret
from kapsa.controllers.state import State, parse
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.domain import candidate_subdomains
from kapsa.core.drift import stamp
from kapsa.core.manifests.claim import Holder
from kapsa.core.manifests.namespace import namespace, namespace_name
from kapsa.models.domain_pool import DomainPool
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
        state: The caches.
        applier: Writes namespaces.
        claims: Gives subdomains.
        poller: Reads repositories.
        settings: The operator's settings.
    """

    cluster: Cluster
    state: State
    applier: Applier
    claims: Claims
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
        subdomain = await self._subdomain(project)
        registry = self._registry(project)
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

    async def _subdomain(self, project: Project) -> str | Blocked | None:
        """Return the subdomain that the Project holds, claiming one where it holds none."""
        domain, meta = project.spec.domain, project.metadata
        if domain is None:
            return await self._release_others(meta.uid)
        name = domain.domain_pool_ref.name
        held = self.claims.held("subdomain", meta.uid, name)
        if domain.subdomain in held or (held and domain.subdomain is None):
            kept = domain.subdomain or min(held, key=len)
            return await self._release_others(meta.uid, kept, name) or kept
        pool = self._pool(name)
        if isinstance(pool, Blocked):
            return pool
        candidates = candidate_subdomains(domain.subdomain, meta.name, meta.namespace, pool)
        if isinstance(candidates, Blocked):
            return candidates
        holder = Holder("Project", meta.namespace, meta.name, meta.uid)
        try:
            return await self.claims.claim("subdomain", name, candidates, holder)
        except AdapterError as error:
            return interpret(error).blocked

    async def _release_others(self, uid: str, kept: str = "", pool: str = "") -> Blocked | None:
        """Give back the subdomains that the Project has no use for; return what went wrong."""
        try:
            await self.claims.release("subdomain", uid, keep=kept, pool=pool)
        except AdapterError as error:
            return interpret(error).blocked
        return None

    def _pool(self, name: str) -> DomainPool | Blocked:
        live = self.state.domain_pools.get("", name)
        if live is None:
            return Blocked(
                Reason.DOMAIN_POOL_NOT_FOUND,
                f"DomainPool {name} does not exist; create it, or name another in"
                " spec.domain.domainPoolRef",
                stalled=True,
            )
        pool = parse(DomainPool, live)
        return _invalid("DomainPool", name) if isinstance(pool, ValidationError) else pool

    def _registry(self, project: Project) -> Registry | Blocked | None:
        if project.spec.registry is None:
            return None
        name = project.spec.registry.name
        live = self.state.registries.get("", name)
        registry = parse(Registry, live) if live else None
        if isinstance(registry, ValidationError):
            return _invalid("Registry", name)
        if registry is not None:
            return registry
        return Blocked(
            Reason.REGISTRY_NOT_FOUND,
            f"Registry {name} does not exist; create it, or name another in spec.registry",
            stalled=True,
        )


def _invalid(kind: str, name: str) -> Blocked:
    return Blocked(
        Reason.INVALID_SPEC,
        f"{kind} {name} breaks a rule of this version of Kapsa; its own conditions say which",
        stalled=True,
    )
