"""The caches of all kinds that Kapsa watches, and how their objects are found."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from pydantic import ValidationError

from kapsa.adapters import resources
from kapsa.controllers.indexes import (
    BUILD,
    CERTIFICATE,
    ENVIRONMENT,
    HOST,
    NAMESPACE,
    OWNER,
    POOL,
    PROJECT,
    REFERENCE,
    REGISTRY,
    UID,
    by_build,
    by_claimed_host,
    by_environment,
    by_namespace,
    by_own_host,
    by_pool,
    by_project,
    by_reference,
    by_registry,
    by_uid,
    hostnames,
    routed_hosts,
    tls_secrets,
)
from kapsa.controllers.reconciling.cache import Cache, Index, Manifest, without_managed_fields
from kapsa.controllers.reconciling.compact import Held, lighten
from kapsa.core import labels
from kapsa.core.content import without_content
from kapsa.core.tls.certificates import trim_certificate
from kapsa.core.workloads.pod_trouble import trim_pod
from kapsa.models.base import Model

Kind = TypeVar("Kind", bound=Model)

MANAGED_SELECTOR = f"{labels.MANAGED_BY}={labels.MANAGER}"
_PLACED = {NAMESPACE: by_namespace}
CLAIM_SELECTOR = f"{MANAGED_SELECTOR},{labels.CLAIM}"


class State:
    """The cluster, as far as Kapsa knows it."""

    def __init__(self, namespace: str = "") -> None:
        """Make empty caches.

        Args:
            namespace: The operator's namespace: a claim elsewhere is somebody's own invention.
                Nothing to take claims from anywhere.
        """
        self.projects = Cache(resources.PROJECTS, indexes={UID: by_uid, REFERENCE: by_reference})
        self.environments = Cache(
            resources.ENVIRONMENTS,
            indexes={
                UID: by_uid,
                PROJECT: by_project,
                REFERENCE: by_reference,
                HOST: by_own_host,
                **_PLACED,
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
                HOST: routed_hosts,
                CERTIFICATE: tls_secrets,
            },
        )
        self.http_routes = Cache(
            resources.HTTP_ROUTES,
            optional=True,
            trim=trim_http_route,
            indexes={OWNER: labels.owner_uids, HOST: hostnames},
        )
        self.autoscalers = _managed(resources.AUTOSCALERS, trim=without_status)
        self.jobs = _managed(resources.JOBS, trim=trim_job, indexes=_PLACED)
        self.cron_jobs = _managed(resources.CRON_JOBS, trim=without_status)
        self.disruption_budgets = _managed(resources.DISRUPTION_BUDGETS, trim=without_status)
        self.volume_claims = _managed(resources.VOLUME_CLAIMS)
        self.config_maps = _managed(resources.CONFIG_MAPS, trim=trim_content)
        self.secrets = Cache(
            resources.SECRETS,
            label_selector=MANAGED_SELECTOR,
            trim=trim_content,
            indexes={OWNER: labels.owner_uids, REGISTRY: by_registry, **_PLACED},
        )
        self.certificates = _managed(resources.CERTIFICATES, trim=_trim_certificate, optional=True)
        self.pods = Cache(
            resources.PODS,
            label_selector=MANAGED_SELECTOR,
            trim=trim_pod,
            indexes={
                OWNER: labels.owner_uids,
                ENVIRONMENT: by_environment,
                BUILD: by_build,
            },
        )
        self.kpack_builds = _managed(resources.KPACK_BUILDS, optional=True, indexes=_PLACED)
        self.kpack_images = _managed(resources.KPACK_IMAGES, optional=True, indexes=_PLACED)
        self.service_accounts = _managed(resources.SERVICE_ACCOUNTS, indexes=_PLACED)
        self.network_policies = _managed(resources.NETWORK_POLICIES)
        self.resource_quotas = _managed(resources.RESOURCE_QUOTAS, trim=without_status)
        self.limit_ranges = _managed(resources.LIMIT_RANGES)
        self.role_bindings = _managed(resources.ROLE_BINDINGS)
        self.claims = Cache(
            resources.LEASES,
            label_selector=CLAIM_SELECTOR,
            namespace=namespace,
            indexes={OWNER: labels.owner_uids, HOST: by_claimed_host, POOL: by_pool},
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
    indexes: Mapping[str, Index] | None = None,
) -> Cache:
    return Cache(
        resource,
        label_selector=MANAGED_SELECTOR,
        trim=trim,
        indexes={OWNER: labels.owner_uids, **(indexes or {})},
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
    return _with_little(kept, {"rules": [{"host": host} for host in routed_hosts(kept)]})


def trim_http_route(manifest: Manifest) -> Manifest:
    """Return an HTTPRoute; a foreign one with nothing but its hosts."""
    kept = without_managed_fields(manifest)
    if labels.is_managed(kept):
        return kept
    kept.pop("status", None)
    return _with_little(kept, {"hostnames": list(hostnames(kept))})


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
