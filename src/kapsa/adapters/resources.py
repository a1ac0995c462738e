"""The kinds of the Kubernetes API that Kapsa reads or writes, and their addresses."""

from dataclasses import dataclass
from typing import Any, Final

from kapsa.models.base import GROUP, VERSION


@dataclass(frozen=True)
class ResourceType:
    """A kind of the API.

    Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of one object, or of the list in a namespace or in all."""
        root = f"/apis/{self.group}" if self.group else "/api"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        parts = [f"{root}/{self.version}{scope}", self.plural, name, subresource]
        return "/".join(part for part in parts if part)


PROJECTS: Final = ResourceType(GROUP, VERSION, "Project", "projects")
ENVIRONMENTS: Final = ResourceType(GROUP, VERSION, "Environment", "environments")
DOMAIN_POOLS: Final = ResourceType(GROUP, VERSION, "DomainPool", "domainpools", namespaced=False)
REGISTRIES: Final = ResourceType(GROUP, VERSION, "Registry", "registries", namespaced=False)
DEPLOYMENTS: Final = ResourceType("apps", "v1", "Deployment", "deployments")
SERVICES: Final = ResourceType("", "v1", "Service", "services")
INGRESSES: Final = ResourceType("networking.k8s.io", "v1", "Ingress", "ingresses")
HTTP_ROUTES: Final = ResourceType("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")
AUTOSCALERS: Final = ResourceType(
    "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"
)
JOBS: Final = ResourceType("batch", "v1", "Job", "jobs")
CRON_JOBS: Final = ResourceType("batch", "v1", "CronJob", "cronjobs")
DISRUPTION_BUDGETS: Final = ResourceType(
    "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"
)
VOLUME_CLAIMS: Final = ResourceType("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAPS: Final = ResourceType("", "v1", "ConfigMap", "configmaps")
CERTIFICATES: Final = ResourceType("cert-manager.io", "v1", "Certificate", "certificates")
ISSUERS: Final = {
    "ClusterIssuer": ResourceType(
        "cert-manager.io", "v1", "ClusterIssuer", "clusterissuers", namespaced=False
    ),
    "Issuer": ResourceType("cert-manager.io", "v1", "Issuer", "issuers"),
}
"""Who signs certificates, by kind."""
KPACK_BUILDS: Final = ResourceType("kpack.io", "v1alpha2", "Build", "builds")
KPACK_IMAGES: Final = ResourceType("kpack.io", "v1alpha2", "Image", "images")
PODS: Final = ResourceType("", "v1", "Pod", "pods")
SERVICE_ACCOUNTS: Final = ResourceType("", "v1", "ServiceAccount", "serviceaccounts")
NETWORK_POLICIES: Final = ResourceType(
    "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"
)
RESOURCE_QUOTAS: Final = ResourceType("", "v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGES: Final = ResourceType("", "v1", "LimitRange", "limitranges")
ROLE_BINDINGS: Final = ResourceType(
    "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"
)
EVENTS: Final = ResourceType("events.k8s.io", "v1", "Event", "events")
NAMESPACES: Final = ResourceType("", "v1", "Namespace", "namespaces", namespaced=False)
LEASES: Final = ResourceType("coordination.k8s.io", "v1", "Lease", "leases")
SECRETS: Final = ResourceType("", "v1", "Secret", "secrets")

CHILDREN: Final = (
    DEPLOYMENTS,
    SERVICES,
    INGRESSES,
    HTTP_ROUTES,
    AUTOSCALERS,
    JOBS,
    CRON_JOBS,
    DISRUPTION_BUDGETS,
    VOLUME_CLAIMS,
    CONFIG_MAPS,
    SECRETS,
    CERTIFICATES,
)
"""What an Environment becomes."""

BUILDS: Final = (KPACK_BUILDS, KPACK_IMAGES)
"""What builds images, beside Jobs."""

FURNISHINGS: Final = (
    SERVICE_ACCOUNTS,
    NETWORK_POLICIES,
    RESOURCE_QUOTAS,
    LIMIT_RANGES,
    ROLE_BINDINGS,
)
"""What is made once for a namespace."""

BY_KIND: Final = {
    (resource.api_version, resource.kind): resource
    for resource in (
        PROJECTS,
        ENVIRONMENTS,
        DOMAIN_POOLS,
        REGISTRIES,
        *CHILDREN,
        *FURNISHINGS,
        *BUILDS,
        PODS,
        NAMESPACES,
        LEASES,
        EVENTS,
    )
}


def resource_of(manifest: dict[str, Any]) -> ResourceType:
    """Return the kind of an object.

    Raises:
        KeyError: Kapsa has nothing to do with that kind.
    """
    return BY_KIND[manifest["apiVersion"], manifest["kind"]]
