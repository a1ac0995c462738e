"""The caches of all kinds that Kapsa watches, and how their objects are found."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from kapsa.adapters import resources
from kapsa.controllers.reconciling.cache import Cache, Manifest, without_managed_fields
from kapsa.controllers.reconciling.compact import Held, lighten
from kapsa.core import labels
from kapsa.core.content import without_content
from kapsa.core.tls.certificates import trim_certificate
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.models.base import Model

Kind = TypeVar("Kind", bound=Model)

OWNER = "owner"
"""Index of the UID of an object's owner, by ownerReference or label."""
BUILD = "build"
"""Index of the namespace and name of the build that a pod is of, `<ns>/<name>`."""
ENVIRONMENT = "environment"
"""Index of the namespace and name of the Environment that a pod says it is of, `<ns>/<name>`."""
UID = "uid"
HOST = "host"
"""Index of the hosts that an Ingress or HTTPRoute routes, that a claim is for, or that an
Environment wants to have for its own."""
POOL = "pool"
"""Index of the DomainPool (as a label: its slug) that a claim is from."""
PROJECT = "project"
"""Index of the UID of the Project that an Environment names."""
REFERENCE = "reference"
"""Index of cluster-scoped objects that are named: `domainpool/<name>`, `registry/<name>`."""

CERTIFICATE = "certificate"
"""Index of the Secrets that an Ingress of Kapsa's names for the certificates of its hosts."""
REGISTRY = "registry"
"""Index of the Registry, as a label, of whose a Secret is with which images are pulled."""

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
        self.projects = Cache(resources.PROJECTS, indexes={UID: _uid, REFERENCE: _references})
        self.environments = Cache(
            resources.ENVIRONMENTS,
            indexes={
                UID: _uid,
                PROJECT: _project_uid,
                REFERENCE: _references,
                HOST: _own_host,
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
            indexes={
                OWNER: labels.owner_uids,
                HOST: _routed_hosts,
                CERTIFICATE: tls_secrets,
            },
        )
        self.http_routes = Cache(
            resources.HTTP_ROUTES,
            optional=True,
            trim=trim_http_route,
            indexes={OWNER: labels.owner_uids, HOST: _hostnames},
        )
        self.autoscalers = _managed(resources.AUTOSCALERS, trim=without_status)
        self.jobs = _managed(resources.JOBS, trim=trim_job)
        self.cron_jobs = _managed(resources.CRON_JOBS, trim=without_status)
        self.disruption_budgets = _managed(resources.DISRUPTION_BUDGETS, trim=without_status)
        self.volume_claims = _managed(resources.VOLUME_CLAIMS)
        self.config_maps = _managed(resources.CONFIG_MAPS, trim=trim_content)
        self.secrets = Cache(
            resources.SECRETS,
            label_selector=MANAGED_SELECTOR,
            trim=trim_content,
            indexes={OWNER: labels.owner_uids, REGISTRY: _registry},
        )
        self.certificates = _managed(resources.CERTIFICATES, trim=_trim_certificate, optional=True)
        self.pods = Cache(
            resources.PODS,
            label_selector=MANAGED_SELECTOR,
            trim=trim_pod,
            indexes={
                OWNER: labels.owner_uids,
                ENVIRONMENT: _environment_of,
                BUILD: _build_of,
            },
        )
        self.kpack_builds = _managed(resources.KPACK_BUILDS, optional=True)
        self.kpack_images = _managed(resources.KPACK_IMAGES, optional=True)
        self.service_accounts = _managed(resources.SERVICE_ACCOUNTS)
        self.network_policies = _managed(resources.NETWORK_POLICIES)
        self.resource_quotas = _managed(resources.RESOURCE_QUOTAS, trim=without_status)
        self.limit_ranges = _managed(resources.LIMIT_RANGES)
        self.role_bindings = _managed(resources.ROLE_BINDINGS)
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
            *self.children,
            *self.furnishings,
            *self.kpack,
            self.pods,
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
            self.jobs,
            self.cron_jobs,
            self.disruption_budgets,
            self.volume_claims,
            self.config_maps,
            self.secrets,
            self.certificates,
        )

    @property
    def configuration(self) -> tuple[Cache, ...]:
        """Caches of what pods read when they start."""
        return (self.config_maps, self.secrets)

    @property
    def kpack(self) -> tuple[Cache, ...]:
        """Caches of what kpack builds for Kapsa."""
        return (self.kpack_builds, self.kpack_images)

    @property
    def furnishings(self) -> tuple[Cache, ...]:
        """Caches of what is made once for a namespace."""
        return (
            self.service_accounts,
            self.network_policies,
            self.resource_quotas,
            self.limit_ranges,
            self.role_bindings,
        )

    def is_known(self, uid: str) -> bool:
        """Tell whether there is a Project or Environment of that UID."""
        return bool(self.projects.find(UID, uid) or self.environments.find(UID, uid))

    def by_kind(self, kind: str) -> Cache:
        """Return the cache of a kind."""
        return next(cache for cache in self.all if cache.resource.kind == kind)


def _managed(
    resource: resources.ResourceType,
    *,
    trim: Callable[[Manifest], Manifest] | None = None,
    optional: bool = False,
) -> Cache:
    return Cache(
        resource,
        label_selector=MANAGED_SELECTOR,
        trim=trim,
        indexes={OWNER: labels.owner_uids},
        optional=optional,
    )


def parse(model: type[Kind], manifest: Manifest) -> Kind | ValidationError:
    """Return an object as its model, or what is wrong with it.

    One that a cache holds is parsed once: a Project looks at all of its Environments each time.
    """
    if not isinstance(manifest, Held):
        return _parse(model, manifest)
    if not hasattr(manifest, "parsed"):
        manifest.parsed = _parse(model, manifest)
        lighten(manifest.parsed)
    parsed = manifest.parsed
    return parsed if isinstance(parsed, model | ValidationError) else _parse(model, manifest)


def _parse(model: type[Kind], manifest: Manifest) -> Kind | ValidationError:
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


def trim_content(manifest: Manifest) -> Manifest:
    """Return a Secret or ConfigMap with digests in place of its content."""
    return without_content(without_managed_fields(manifest))


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


def _trim_certificate(manifest: Manifest) -> Manifest:
    return trim_certificate(without_managed_fields(manifest))


def trim_job(manifest: Manifest) -> Manifest:
    """Return a Job; one that a CronJob has made with nothing but what identifies it."""
    kept = without_managed_fields(manifest)
    owners = kept["metadata"].get("ownerReferences") or ()
    if not any(owner.get("kind") == "CronJob" for owner in owners):
        return kept
    kept.pop("status", None)
    return _with_little(kept, {})


def _with_little(manifest: Manifest, spec: Manifest) -> Manifest:
    """Return an object with what identifies it, and that `spec`."""
    metadata = {
        name: manifest["metadata"][name]
        for name in ("name", "namespace", "uid", "resourceVersion", "ownerReferences")
        if name in manifest["metadata"]
    }
    return {**manifest, "metadata": metadata, "spec": spec}


def _build_of(manifest: Manifest) -> Iterable[str]:
    metadata = manifest["metadata"]
    name = (metadata.get("labels") or {}).get(labels.BUILD)
    return (f"{metadata.get('namespace', '')}/{name}",) if name else ()


def _environment_of(manifest: Manifest) -> Iterable[str]:
    metadata = manifest["metadata"]
    name = (metadata.get("labels") or {}).get(labels.ENVIRONMENT)
    return (f"{metadata.get('namespace', '')}/{name}",) if name else ()


def _uid(manifest: Manifest) -> Iterable[str]:
    return (str(manifest["metadata"].get("uid", "")),)


def _routed_hosts(manifest: Manifest) -> Iterable[str]:
    rules = (manifest.get("spec") or {}).get("rules") or ()
    return tuple(dict.fromkeys(str(rule["host"]) for rule in rules if rule.get("host")))


def tls_secrets(manifest: Manifest) -> Iterable[str]:
    """Return the Secrets that an Ingress of Kapsa's names for the certificates of its hosts."""
    if not labels.is_managed(manifest):
        return ()
    said = (manifest.get("spec") or {}).get("tls") or ()
    return tuple(dict.fromkeys(str(item["secretName"]) for item in said if item.get("secretName")))


def _hostnames(manifest: Manifest) -> Iterable[str]:
    return tuple(map(str, (manifest.get("spec") or {}).get("hostnames") or ()))


def _claimed(manifest: Manifest) -> Iterable[str]:
    return tuple(
        filter(None, ((manifest["metadata"].get("annotations") or {}).get(labels.HOST, ""),))
    )


def _own_host(manifest: Manifest) -> Iterable[str]:
    ingress = (manifest.get("spec") or {}).get("ingress") or {}
    return tuple(filter(None, (ingress.get("host"),)))


def _pool(manifest: Manifest) -> Iterable[str]:
    return tuple(filter(None, ((manifest["metadata"].get("labels") or {}).get(labels.POOL, ""),)))


def _registry(manifest: Manifest) -> Iterable[str]:
    own = manifest["metadata"].get("labels") or {}
    return tuple(filter(None, (own.get(labels.REGISTRY, ""),)))


def _project_uid(manifest: Manifest) -> Iterable[str]:
    reference = (manifest.get("spec") or {}).get("projectRef") or {}
    return tuple(filter(None, (reference.get("uid"),)))


def _pool_reference(spec: dict[str, Any]) -> Iterable[str]:
    name = ((spec.get("domain") or {}).get("domainPoolRef") or {}).get("name")
    return (f"domainpool/{name}",) if name else ()


def _references(manifest: Manifest) -> Iterable[str]:
    spec = manifest.get("spec") or {}
    registry = (spec.get("registry") or {}).get("name")
    return (*_pool_reference(spec), *((f"registry/{registry}",) if registry else ()))
