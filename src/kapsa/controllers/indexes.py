"""How objects are found in caches: the names of the indexes, and what each has of an object."""

from collections.abc import Iterable
from typing import Any

from kapsa.controllers.reconciling.cache import Manifest
from kapsa.core import labels

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
NAMESPACE = "namespace"


def by_namespace(manifest: Manifest) -> Iterable[str]:
    """Return its namespace."""
    return (str(manifest["metadata"].get("namespace", "")),)


def by_build(manifest: Manifest) -> Iterable[str]:
    """Return the build that it says it is of."""
    metadata = manifest["metadata"]
    name = (metadata.get("labels") or {}).get(labels.BUILD)
    return (f"{metadata.get('namespace', '')}/{name}",) if name else ()


def by_environment(manifest: Manifest) -> Iterable[str]:
    """Return the Environment that it says it is of."""
    metadata = manifest["metadata"]
    name = (metadata.get("labels") or {}).get(labels.ENVIRONMENT)
    return (f"{metadata.get('namespace', '')}/{name}",) if name else ()


def by_uid(manifest: Manifest) -> Iterable[str]:
    """Return its UID."""
    return (str(manifest["metadata"].get("uid", "")),)


def routed_hosts(manifest: Manifest) -> Iterable[str]:
    """Return the hosts that an Ingress routes."""
    rules = (manifest.get("spec") or {}).get("rules") or ()
    return tuple(dict.fromkeys(str(rule["host"]) for rule in rules if rule.get("host")))


def tls_secrets(manifest: Manifest) -> Iterable[str]:
    """Return the Secrets that an Ingress of Kapsa's names for the certificates of its hosts."""
    if not labels.is_managed(manifest):
        return ()
    said = (manifest.get("spec") or {}).get("tls") or ()
    return tuple(dict.fromkeys(str(item["secretName"]) for item in said if item.get("secretName")))


def hostnames(manifest: Manifest) -> Iterable[str]:
    """Return the hosts that an HTTPRoute routes."""
    return tuple(map(str, (manifest.get("spec") or {}).get("hostnames") or ()))


def by_claimed_host(manifest: Manifest) -> Iterable[str]:
    """Return the host that a claim is for."""
    return tuple(
        filter(None, ((manifest["metadata"].get("annotations") or {}).get(labels.HOST, ""),))
    )


def by_own_host(manifest: Manifest) -> Iterable[str]:
    """Return the host that an Environment wants to have for its own."""
    ingress = (manifest.get("spec") or {}).get("ingress") or {}
    return tuple(filter(None, (ingress.get("host"),)))


def by_pool(manifest: Manifest) -> Iterable[str]:
    """Return the DomainPool that a claim is from."""
    return tuple(filter(None, ((manifest["metadata"].get("labels") or {}).get(labels.POOL, ""),)))


def by_registry(manifest: Manifest) -> Iterable[str]:
    """Return the Registry that a Secret is for."""
    own = manifest["metadata"].get("labels") or {}
    return tuple(filter(None, (own.get(labels.REGISTRY, ""),)))


def by_project(manifest: Manifest) -> Iterable[str]:
    """Return the Project that an Environment names."""
    reference = (manifest.get("spec") or {}).get("projectRef") or {}
    return tuple(filter(None, (reference.get("uid"),)))


def _pool_reference(spec: dict[str, Any]) -> Iterable[str]:
    name = ((spec.get("domain") or {}).get("domainPoolRef") or {}).get("name")
    return (f"domainpool/{name}",) if name else ()


def by_reference(manifest: Manifest) -> Iterable[str]:
    """Return the cluster-scoped objects that are named."""
    spec = manifest.get("spec") or {}
    registry = (spec.get("registry") or {}).get("name")
    return (*_pool_reference(spec), *((f"registry/{registry}",) if registry else ()))
