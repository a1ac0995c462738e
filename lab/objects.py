"""Reads objects of the laboratory's API server without a kubectl process for each look.

Tests look several times a second; with kubectl, looking would cost more than what is looked at.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from lab.errors import ApiError
from lab.httpclient import request
from lab.platform import ApiServer

Manifest = dict[str, Any]

_KAPSA = "apis/kapsa-project.io/v1alpha1"
_KINDS = {
    "projects": (_KAPSA, "Project", True),
    "environments": (_KAPSA, "Environment", True),
    "domainpools": (_KAPSA, "DomainPool", False),
    "registries": (_KAPSA, "Registry", False),
    "namespaces": ("api/v1", "Namespace", False),
    "configmaps": ("api/v1", "ConfigMap", True),
    "secrets": ("api/v1", "Secret", True),
    "services": ("api/v1", "Service", True),
    "pods": ("api/v1", "Pod", True),
    "deployments": ("apis/apps/v1", "Deployment", True),
    "replicasets": ("apis/apps/v1", "ReplicaSet", True),
    "ingresses": ("apis/networking.k8s.io/v1", "Ingress", True),
    "httproutes": ("apis/gateway.networking.k8s.io/v1", "HTTPRoute", True),
    "horizontalpodautoscalers": ("apis/autoscaling/v2", "HorizontalPodAutoscaler", True),
    "events": ("apis/events.k8s.io/v1", "Event", True),
    "poddisruptionbudgets": ("apis/policy/v1", "PodDisruptionBudget", True),
    "endpointslices": ("apis/discovery.k8s.io/v1", "EndpointSlice", True),
    "jobs": ("apis/batch/v1", "Job", True),
    "cronjobs": ("apis/batch/v1", "CronJob", True),
    "persistentvolumeclaims": ("api/v1", "PersistentVolumeClaim", True),
    "certificates": ("apis/cert-manager.io/v1", "Certificate", True),
    "certificaterequests": ("apis/cert-manager.io/v1", "CertificateRequest", True),
    "builds": ("apis/kpack.io/v1alpha2", "Build", True),
    "images": ("apis/kpack.io/v1alpha2", "Image", True),
    "serviceaccounts": ("api/v1", "ServiceAccount", True),
    "networkpolicies": ("apis/networking.k8s.io/v1", "NetworkPolicy", True),
    "resourcequotas": ("api/v1", "ResourceQuota", True),
    "limitranges": ("api/v1", "LimitRange", True),
    "rolebindings": ("apis/rbac.authorization.k8s.io/v1", "RoleBinding", True),
    "leases": ("apis/coordination.k8s.io/v1", "Lease", True),
    "crds": ("apis/apiextensions.k8s.io/v1", "CustomResourceDefinition", False),
}
_PLURALS = {"crds": "customresourcedefinitions"}


def read_object(server: ApiServer, kind: str, name: str, namespace: str) -> Manifest | None:
    """Return an object; None where there is none. `kind` is a plural or a kind in any case."""
    plural = _plural(kind)
    prefix, _, namespaced = _KINDS[plural]
    scope = f"/namespaces/{namespace}" if namespaced else ""
    return _read(server, f"/{prefix}{scope}/{_PLURALS.get(plural, plural)}/{name}")


def read_objects(server: ApiServer, kinds: str, **selectors: str) -> list[Manifest]:
    """Return the objects of some kinds (with commas between them) in all namespaces.

    Args:
        server: The API server.
        kinds: Plurals, or kinds in any case.
        selectors: `labelSelector` or `fieldSelector`.
    """
    found: list[Manifest] = []
    for plural in map(_plural, kinds.split(",")):
        prefix, kind, _ = _KINDS[plural]
        path = f"/{prefix}/{_PLURALS.get(plural, plural)}?{urlencode(selectors)}"
        group = prefix.removeprefix("apis/").removeprefix("api/")
        items = (_read(server, path) or {}).get("items") or ()
        found += [{"apiVersion": group, "kind": kind, **item} for item in items]
    return found


def _plural(kind: str) -> str:
    """Return the plural by which a kind is known here."""
    lower = kind.lower()
    forms = (lower, f"{lower}s", f"{lower}es", f"{lower.removesuffix('y')}ies")
    return next(form for form in forms if form in _KINDS)


def _read(server: ApiServer, path: str) -> Manifest | None:
    answer = request(
        "GET",
        server.url + path,
        authorization=f"Bearer {server.admin_token}",
        ca_file=server.ca_file,
    )
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise ApiError(answer.status, f"GET {path}: {answer.status} {answer.body[:500]!r}")
    found: Manifest = answer.json()
    return found
