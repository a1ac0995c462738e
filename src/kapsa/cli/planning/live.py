"""Reads from the cluster what a plan is made from, and what it is compared with.

Nothing is written, and no Secret is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kapsa.adapters import resources
from kapsa.adapters.api_errors import NotFound
from kapsa.adapters.cluster import FIELD_MANAGER, Cluster
from kapsa.adapters.resources import ResourceType, resource_of
from kapsa.cli.planning.assemble import Offered, pull_secret_of
from kapsa.cli.planning.difference import Live, identity_of
from kapsa.cli.planning.known import environments_of
from kapsa.cli.planning.sources import Given
from kapsa.cli.planning.values import UNKNOWN_UID, Manifest, PlannedProject
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.hosts.routes import gateway_api_missing
from kapsa.core.images.pull_secrets import is_generated
from kapsa.core.offers import Offer, absence, is_for_all, namespace_refusal
from kapsa.core.projects.namespaces import common_namespace
from kapsa.models.domain_pool import DomainPool
from kapsa.models.project import Project
from kapsa.models.registry import Registry

_MANAGED = f"{labels.MANAGED_BY}={labels.MANAGER}"


@dataclass(frozen=True)
class LiveCluster:
    """What is live. All methods raise `AdapterError` where the API server does not tell."""

    cluster: Cluster

    async def project(self, manifest: Manifest) -> Project:
        """Return the Project as an apply of the manifest would leave it."""
        meta = manifest["metadata"]
        stored = await self.cluster.get(resources.PROJECTS, meta["name"], meta["namespace"])
        if stored is None:
            return Project.model_validate(
                {**manifest, "metadata": {**meta, "uid": UNKNOWN_UID}, "status": {}}
            )
        return Project.model_validate(
            {
                **manifest,
                "metadata": {**stored["metadata"], **meta, "uid": stored["metadata"]["uid"]},
                "status": stored.get("status") or {},
            }
        )

    async def environments(self, project: Project, given: Given) -> tuple[Manifest, ...]:
        """Return the Environments beside the Project's; those of files go over live ones."""
        # Without a namespace that all of them share: of all namespaces.
        found = await self._list(
            resources.ENVIRONMENTS,
            common_namespace(project),
            "" if common_namespace(project) else f"{labels.PROJECT}={project.metadata.name}",
        )
        known = {identity_of(item): item for item in (*found, *given.environments)}
        return tuple(known.values())

    async def namespaces(self, project: Project) -> dict[str, str]:
        """Return the UIDs of the namespaces that were made for the Project, by name."""
        if project.spec.isolation == "Shared":
            return {}
        common = common_namespace(project)
        if common:
            live = await self.cluster.get(resources.NAMESPACES, common)
            found = [live] if live else []
        else:
            owned = f"{_MANAGED},{labels.OWNER_UID}={project.metadata.uid}"
            found = await self._list(resources.NAMESPACES, "", owned)
        return {live["metadata"]["name"]: live["metadata"]["uid"] for live in found}

    async def beside(
        self, project: Project, environments: Sequence[Manifest], resource: ResourceType
    ) -> tuple[Manifest, ...]:
        """Return the live objects of a kind that Kapsa keeps beside the Project's Environments."""
        where = {item.metadata.namespace for item in environments_of(project, environments)}
        common = common_namespace(project)
        where |= {common} if common else set()
        found = [await self._list(resource, namespace, _MANAGED) for namespace in sorted(where)]
        return tuple(item for items in found for item in items)

    async def offered(self, project: Project, given: Given) -> Offered:
        """Return what the Project may use; what the files hold goes over what is live."""
        registry = await self._registry(project, given)
        pull_secret = await self._pull_secret(registry, given)
        if project.spec.domain is None:
            return Offered(registry=registry, pull_secret=pull_secret)
        name = project.spec.domain.domain_pool_ref.name
        stored = given.pools.get(name) or await self.cluster.get(resources.DOMAIN_POOLS, name)
        if stored is None:
            return Offered(
                pool=absence("DomainPool", name), registry=registry, pull_secret=pull_secret
            )
        pool = DomainPool.model_validate(stored)
        needs_gateway = pool.spec.routing.kind == "Gateway"
        served = not needs_gateway or await self.cluster.serves(resources.HTTP_ROUTES)
        return Offered(
            pool=pool,
            refusal=await self._refusal(project, pool),
            routing=None if served else gateway_api_missing(pool),
            has_cert_manager=not pool.spec.cert_manager
            or await self.cluster.serves(resources.CERTIFICATES),
            registry=registry,
            pull_secret=pull_secret,
        )

    async def _pull_secret(self, registry: Registry | Blocked | None, given: Given) -> str:
        """Return the name of the Secret with which images are pulled; nothing for none."""
        if not isinstance(registry, Registry) or not is_generated(registry):
            return pull_secret_of(registry, given.registries)
        stored = await self._list(resources.REGISTRIES, "")
        known = {item["metadata"]["name"]: item for item in stored} | dict(given.registries)
        return pull_secret_of(registry, known)

    async def _registry(self, project: Project, given: Given) -> Registry | Blocked | None:
        if project.spec.registry is None:
            return None
        name = project.spec.registry.name
        stored = given.registries.get(name) or await self.cluster.get(resources.REGISTRIES, name)
        if stored is None:
            return absence("Registry", name)
        registry = Registry.model_validate(stored)
        return await self._refusal(project, registry) or registry

    async def _refusal(self, project: Project, offer: Offer) -> Blocked | None:
        """Return why the Project's namespace may not use the offer; None where it may."""
        if is_for_all(offer):
            return None
        namespace = project.metadata.namespace
        live = await self.cluster.get(resources.NAMESPACES, namespace)
        found = (live or {}).get("metadata", {}).get("labels") or {}
        return namespace_refusal(offer, namespace, found)

    async def compare_with(self, project: PlannedProject) -> Live:
        """Return the live objects that the plan is about, but for Secrets."""
        children = [
            live
            for namespace in sorted({item.namespace for item in project.environments})
            for resource in resources.CHILDREN
            if resource != resources.SECRETS
            for live in await self._list(resource, namespace, _MANAGED)
        ]
        objects = {identity_of(live): live for live in children}
        for manifest in project.objects:
            identity = identity_of(manifest)
            if identity not in objects and manifest["kind"] != resources.SECRETS.kind:
                _, namespace, name = identity
                live = await self.cluster.get(resource_of(manifest), name, namespace)
                objects |= {identity: live} if live else {}
        gone = [place.name for place in project.places if not place.is_wanted]
        for name in gone:
            live = await self.cluster.get(resources.NAMESPACES, name)
            objects |= {identity_of(live): live} if live else {}
        furnishings = [
            live
            for place in project.places
            if place.manifest is not None
            for live in await self._list(resources.ROLE_BINDINGS, place.name, _MANAGED)
        ]
        return Live(objects, tuple(children), FIELD_MANAGER, tuple(furnishings))

    async def _list(
        self, resource: ResourceType, namespace: str, selector: str = ""
    ) -> list[Manifest]:
        try:
            listing = await self.cluster.list_all(resource, selector, namespace)
        except NotFound:
            # The API server doesn't know the kind: then there is nothing of it.
            return []
        return listing.items
