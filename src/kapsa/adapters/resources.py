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
NAMESPACES: Final = ResourceType("", "v1", "Namespace", "namespaces", namespaced=False)
LEASES: Final = ResourceType("coordination.k8s.io", "v1", "Lease", "leases")
SECRETS: Final = ResourceType("", "v1", "Secret", "secrets")

CHILDREN: Final = (DEPLOYMENTS, SERVICES, INGRESSES, HTTP_ROUTES, AUTOSCALERS)
"""What an Environment becomes."""

BY_KIND: Final = {
    (resource.api_version, resource.kind): resource
    for resource in (
        PROJECTS,
        ENVIRONMENTS,
        DOMAIN_POOLS,
        REGISTRIES,
        DEPLOYMENTS,
        SERVICES,
        INGRESSES,
        HTTP_ROUTES,
        AUTOSCALERS,
        NAMESPACES,
        LEASES,
        SECRETS,
    )
}


def resource_of(manifest: dict[str, Any]) -> ResourceType:
    """Return the kind of an object.

    Raises:
        KeyError: Kapsa has nothing to do with that kind.
    """
    return BY_KIND[manifest["apiVersion"], manifest["kind"]]
