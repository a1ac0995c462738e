"""Objects of the API for tests: small, valid, and changed by keyword.

Each builder comes twice: `project_manifest("shop")` is what the API server serves, and
`project("shop")` is the model. Keywords beyond the named ones are fields of the spec, as manifests
spell them: `project("shop", environments=[{"name": "production", "branch": "main"}])`.
"""

from collections.abc import Mapping
from typing import Any

from kapsa.models import API_VERSION, DomainPool, Environment, Project, Registry

Manifest = dict[str, Any]

CREATED = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:00:09Z"
DIGEST = "sha256:" + "ab" * 32


def sha(text: str | int) -> str:
    """Return a commit SHA that is the same for the same text: `sha("a")` is 40 digits."""
    return str(text).encode().hex().ljust(40, "0")[:40]


def uid(kind: str, name: str, namespace: str = "") -> str:
    """Return the UID that the builders give to an object."""
    return "-".join(filter(None, ("uid", kind.lower(), namespace, name)))


def project_manifest(
    name: str = "shop",
    *,
    branch: str = "main",
    namespace: str = "team-a",
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Manifest:
    """Return a Project whose default branch is `branch`, as the API server serves it."""
    return _manifest(
        "Project",
        name,
        namespace,
        metadata,
        status,
        {
            "repository": {"url": f"https://git.example.com/acme/{name}.git", "branch": branch},
            "build": {"image": f"registry.example.com/acme/{name}:{{sha}}"},
        }
        | spec,
    )


def project(name: str = "shop", **changes: Any) -> Project:
    """Return a Project; see `project_manifest`."""
    return Project.model_validate(project_manifest(name, **changes))


def environment_manifest(
    name: str = "web",
    *,
    of: Project | None = None,
    pr: int | None = None,
    namespace: str = "team-a",
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Manifest:
    """Return an Environment as the API server serves it.

    Args:
        name: Its name.
        of: The Project that it belongs to; none for one that stands alone.
        pr: Number of the pull request that it shows.
        namespace: Its namespace.
        metadata: Goes over the metadata that it would have.
        status: Its status.
        spec: Fields of its spec, such as `branch="x"`, `commit=sha("a")`, `type="permanent"`.
    """
    built: Manifest = {"type": "preview"}
    if of is not None:
        meta = of.metadata
        built["projectRef"] = {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid}
    if pr is not None:
        built["pullRequest"] = {"number": pr}
    return _manifest("Environment", name, namespace, metadata, status, built | spec)


def environment(name: str = "web", **changes: Any) -> Environment:
    """Return an Environment; see `environment_manifest`."""
    return Environment.model_validate(environment_manifest(name, **changes))


def pool_manifest(
    name: str = "apps",
    *domains: str,
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Manifest:
    """Return a DomainPool of `domains` (`apps.example.com`) as the API server serves it."""
    built = {"baseDomains": list(domains or ("apps.example.com",))} | spec
    return _manifest("DomainPool", name, "", metadata, status, built)


def pool(name: str = "apps", *domains: str, **changes: Any) -> DomainPool:
    """Return a DomainPool; see `pool_manifest`."""
    return DomainPool.model_validate(pool_manifest(name, *domains, **changes))


def registry_manifest(
    name: str = "harbor",
    *,
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Manifest:
    """Return a Registry as the API server serves it."""
    built = {"endpoint": "registry.example.com"} | spec
    return _manifest("Registry", name, "", metadata, status, built)


def registry(name: str = "harbor", **changes: Any) -> Registry:
    """Return a Registry; see `registry_manifest`."""
    return Registry.model_validate(registry_manifest(name, **changes))


def condition(
    type_: str,
    status: str = "True",
    reason: str = "Ready",
    message: str = "",
    *,
    since: str = CREATED,
) -> Manifest:
    """Return a condition of a status, as the API server serves it."""
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since,
        "observedGeneration": 1,
    }


def ready(message: str = "") -> Manifest:
    """Return a status that says nothing but that the object is ready."""
    return {"conditions": [condition("Ready", message=message)]}


def deployment_manifest(
    name: str = "web",
    *,
    owner_uid: str = "",
    namespace: str = "team-a",
    image: str = f"registry.example.com/acme/shop@{DIGEST}",
    commit: str = "",
    replicas: int = 1,
    available: int | None = None,
    generation: int = 1,
    conditions: tuple[Manifest, ...] = (),
    process: str = "web",
) -> Manifest:
    """Return a live Deployment of Kapsa's, rolled out; `available` pods are (None: all)."""
    count = replicas if available is None else available
    annotations = {"kapsa-project.io/commit": commit} if commit else {}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid("Deployment", name, namespace),
            "generation": generation,
            "labels": {
                "app.kubernetes.io/managed-by": "kapsa",
                "kapsa-project.io/process": process,
            },
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": "Environment",
                    "name": name,
                    "uid": owner_uid or uid("Environment", name, namespace),
                    "controller": True,
                }
            ],
        },
        "spec": {
            "replicas": replicas,
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {"containers": [{"name": process, "image": image}]},
            },
        },
        "status": {
            "observedGeneration": generation,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": count,
            "conditions": list(conditions),
        },
    }


def pod_manifest(
    process: str = "web",
    *containers: Manifest,
    of: str = "web",
    environment: str = "web",
    version: str = "1",
    namespace: str = "team-a",
    node: str = "",
    phase: str = "Running",
    restart_policy: str = "Always",
    initial: tuple[Manifest, ...] = (),
    conditions: tuple[Manifest, ...] = (),
    created: str = CREATED,
    metadata: Mapping[str, Any] | None = None,
) -> Manifest:
    """Return a pod of the Deployment `of`, whose containers have these statuses."""
    name = f"{of}-{version}-x"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid("Pod", name, namespace),
            "creationTimestamp": created,
            "labels": {
                "app.kubernetes.io/managed-by": "kapsa",
                "kapsa-project.io/environment": environment,
                "kapsa-project.io/process": process,
                "pod-template-hash": version,
            },
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": f"{of}-{version}", "uid": "rs", "controller": True}
            ],
            **(metadata or {}),
        },
        "spec": {"restartPolicy": restart_policy, "nodeName": node},
        "status": {
            "phase": phase,
            "initContainerStatuses": list(initial),
            "containerStatuses": list(containers),
            "conditions": list(conditions),
        },
    }


def job_manifest(
    name: str,
    *,
    result: str = "Running",
    owner: str = "web",
    namespace: str = "team-a",
    run: str = "",
    ready: int = 1,
    reason: str = "BackoffLimitExceeded",
    message: str = "Job has reached the specified backoff limit",
    metadata: Mapping[str, Any] | None = None,
) -> Manifest:
    """Return a live Job of the Environment `owner`, which ended as `result` says.

    One that is `Running` has `ready` containers that run.
    """
    ends = {
        "Succeeded": {"type": "Complete", "status": "True", "lastTransitionTime": LATER},
        "Failed": {
            "type": "Failed",
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": LATER,
        },
    }
    reference = {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "name": owner,
        "uid": uid("Environment", owner, namespace),
        "controller": True,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid("Job", name, namespace),
            "creationTimestamp": CREATED,
            "labels": {"app.kubernetes.io/managed-by": "kapsa"},
            "annotations": {"kapsa-project.io/run": run} if run else {},
            "ownerReferences": [reference],
            **(metadata or {}),
        },
        "spec": {"template": {"spec": {"containers": [{"name": "release", "image": "a:1"}]}}},
        "status": {"conditions": [ends[result]]} if result in ends else {"ready": ready},
    }


def _manifest(
    kind: str,
    name: str,
    namespace: str,
    metadata: Mapping[str, Any] | None,
    status: Mapping[str, Any] | None,
    spec: Manifest,
) -> Manifest:
    meta: Manifest = {
        "name": name,
        "uid": uid(kind, name, namespace),
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": CREATED,
    }
    if namespace:
        meta["namespace"] = namespace
    built: Manifest = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {**meta, **(metadata or {})},
        "spec": spec,
    }
    return built | ({"status": dict(status)} if status else {})
