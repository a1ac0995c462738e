"""The caches of all kinds that Kapsa watches, and how their objects are found."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from kapsa.adapters import resources
from kapsa.controllers.cache import Cache, Manifest, without_managed_fields
from kapsa.core import labels
from kapsa.models.base import Model

Kind = TypeVar("Kind", bound=Model)

OWNER = "owner"
"""Index of the UID of an object's owner, by ownerReference or label."""
UID = "uid"
HOST = "host"
"""Index of the hosts that an Ingress or HTTPRoute routes, or that a claim is for."""
POOL = "pool"
"""Index of the DomainPool (as a label: its slug) that a claim is from."""
PROJECT = "project"
"""Index of the UID of the Project that an Environment names."""
REFERENCE = "reference"
"""Index of cluster-scoped objects that are named: `domainpool/<name>`, `registry/<name>`."""

MANAGED_SELECTOR = f"{labels.MANAGED_BY}={labels.MANAGER}"
CLAIM_SELECTOR = f"{MANAGED_SELECTOR},{labels.CLAIM}"


class State:
    """The cluster, as far as Kapsa knows it."""

    def __init__(self, namespace: str = "") -> None:
        """Make empty caches.

        Args:
            namespace: The operator's namespace: a claim elsewhere is somebody's own invention.
                Nothing to take claims from anywhere.
        """
        self.projects = Cache(
            resources.PROJECTS, indexes={UID: _uid, REFERENCE: _project_references}
        )
        self.environments = Cache(
            resources.ENVIRONMENTS,
            indexes={
                UID: _uid,
                PROJECT: _project_uid,
                REFERENCE: _environment_references,
                "namespace": lambda manifest: (manifest["metadata"].get("namespace", ""),),
            },
        )
        self.domain_pools = Cache(resources.DOMAIN_POOLS)
        self.registries = Cache(resources.REGISTRIES)
        self.namespaces = _managed(resources.NAMESPACES)
        self.deployments = _managed(resources.DEPLOYMENTS)
        self.services = _managed(resources.SERVICES)
        self.ingresses = Cache(
            resources.INGRESSES,
            trim=trim_ingress,
            indexes={OWNER: labels.owner_uids, HOST: _routed_hosts},
        )
        self.http_routes = Cache(
            resources.HTTP_ROUTES,
            optional=True,
            trim=trim_http_route,
            indexes={OWNER: labels.owner_uids, HOST: _hostnames},
        )
        self.autoscalers = _managed(resources.AUTOSCALERS, trim=without_status)
        self.claims = Cache(
            resources.LEASES,
            label_selector=CLAIM_SELECTOR,
            namespace=namespace,
            indexes={OWNER: labels.owner_uids, HOST: _claimed, POOL: _pool},
        )

    @property
    def all(self) -> tuple[Cache, ...]:
        """All caches."""
        return (
            self.projects,
            self.environments,
            self.domain_pools,
            self.registries,
            self.namespaces,
            self.deployments,
            self.services,
            self.ingresses,
            self.http_routes,
            self.autoscalers,
            self.claims,
        )

    @property
    def children(self) -> tuple[Cache, ...]:
        """Caches of what an Environment becomes."""
        return (
            self.deployments,
            self.services,
            self.ingresses,
            self.http_routes,
            self.autoscalers,
        )

    def is_known(self, uid: str) -> bool:
        """Tell whether there is a Project or Environment of that UID."""
        return bool(self.projects.find(UID, uid) or self.environments.find(UID, uid))

    def by_kind(self, kind: str) -> Cache:
        """Return the cache of a kind."""
        return next(cache for cache in self.all if cache.resource.kind == kind)


def _managed(
    resource: resources.ResourceType, trim: Callable[[Manifest], Manifest] | None = None
) -> Cache:
    return Cache(
        resource, label_selector=MANAGED_SELECTOR, trim=trim, indexes={OWNER: labels.owner_uids}
    )


def parse(model: type[Kind], manifest: Manifest) -> Kind | ValidationError:
    """Return an object as its model, or what is wrong with it."""
    try:
        return model.model_validate(manifest)
    except ValidationError as error:
        return error


def parse_all(model: type[Kind], manifests: Iterable[Manifest]) -> tuple[Kind, ...]:
    """Return the objects as their model, without those that break its rules."""
    parsed = (parse(model, manifest) for manifest in manifests)
    return tuple(item for item in parsed if not isinstance(item, ValidationError))


def without_status(manifest: Manifest) -> Manifest:
    """Return the object without its status, which decides nothing."""
    kept = without_managed_fields(manifest)
    kept.pop("status", None)
    return kept


def trim_ingress(manifest: Manifest) -> Manifest:
    """Return an Ingress without its status, and a foreign one with nothing but its hosts."""
    kept = without_status(manifest)
    if labels.is_managed(kept):
        return kept
    return _with_little(kept, {"rules": [{"host": host} for host in _routed_hosts(kept)]})


def trim_http_route(manifest: Manifest) -> Manifest:
    """Return an HTTPRoute; a foreign one with nothing but its hosts."""
    kept = without_managed_fields(manifest)
    if labels.is_managed(kept):
        return kept
    kept.pop("status", None)
    return _with_little(kept, {"hostnames": list(_hostnames(kept))})


def _with_little(manifest: Manifest, spec: Manifest) -> Manifest:
    """Return an object with what identifies it, and that `spec`."""
    metadata = {
        name: manifest["metadata"][name]
        for name in ("name", "namespace", "uid", "resourceVersion", "ownerReferences")
        if name in manifest["metadata"]
    }
    return {**manifest, "metadata": metadata, "spec": spec}


def _uid(manifest: Manifest) -> Iterable[str]:
    return (str(manifest["metadata"].get("uid", "")),)


def _routed_hosts(manifest: Manifest) -> Iterable[str]:
    rules = (manifest.get("spec") or {}).get("rules") or ()
    return tuple(dict.fromkeys(str(rule["host"]) for rule in rules if rule.get("host")))


def _hostnames(manifest: Manifest) -> Iterable[str]:
    return tuple(map(str, (manifest.get("spec") or {}).get("hostnames") or ()))


def _claimed(manifest: Manifest) -> Iterable[str]:
    return tuple(
        filter(None, ((manifest["metadata"].get("annotations") or {}).get(labels.HOST, ""),))
    )


def _pool(manifest: Manifest) -> Iterable[str]:
    return tuple(filter(None, ((manifest["metadata"].get("labels") or {}).get(labels.POOL, ""),)))


def _project_uid(manifest: Manifest) -> Iterable[str]:
    reference = (manifest.get("spec") or {}).get("projectRef") or {}
    return tuple(filter(None, (reference.get("uid"),)))


def _pool_reference(spec: dict[str, Any]) -> Iterable[str]:
    name = ((spec.get("domain") or {}).get("domainPoolRef") or {}).get("name")
    return (f"domainpool/{name}",) if name else ()


def _environment_references(manifest: Manifest) -> Iterable[str]:
    return _pool_reference(manifest.get("spec") or {})


def _project_references(manifest: Manifest) -> Iterable[str]:
    spec = manifest.get("spec") or {}
    registry = (spec.get("registry") or {}).get("name")
    return (*_pool_reference(spec), *((f"registry/{registry}",) if registry else ()))
