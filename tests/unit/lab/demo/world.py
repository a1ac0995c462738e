"""A cluster in which pull request #1 of `shop` runs, as objects that a test may bend."""

from __future__ import annotations

from typing import Any

from lab.demo.checks import Wanted
from lab.demo.snapshot import Snapshot

SHA = "3f2a" * 10
DIGEST = "sha256:" + "b" * 64
IMAGE = f"127.0.0.1:5000/team-a/shop@{DIGEST}"
NAME = "shop-pr-1"
NAMESPACE = "kapsa-shop-1"
WANTED = Wanted("pull request #1", "feature/login", SHA, IMAGE, r"pr-1-shop\.apps\.localhost")

Manifest = dict[str, Any]


def world() -> dict[str, Manifest]:
    """Return the objects by kind: one of each."""
    environment = _object("Environment", owner=None)
    environment["spec"] = {"type": "preview", "branch": "feature/login"}
    environment["status"] = {
        "phase": "Running",
        "commit": SHA,
        "image": IMAGE,
        "host": "pr-1-shop.apps.localhost",
        "url": "http://pr-1-shop.apps.localhost",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Ready",
                "message": "it runs",
                "observedGeneration": 1,
            }
        ],
    }
    objects = (environment, *_workload(), *_route())
    return {item["kind"]: item for item in objects}


def snapshot(objects: dict[str, Manifest]) -> Snapshot:
    """Return the snapshot of those objects."""
    return Snapshot(tuple(objects.values()))


def _object(kind: str, owner: str | None = "Environment") -> Manifest:
    metadata: Manifest = {
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": f"uid-of-{kind}",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    if owner is not None:
        metadata["labels"] = {"kapsa-project.io/environment": NAME}
        metadata["ownerReferences"] = [{"uid": f"uid-of-{owner}", "controller": True}]
    return {"kind": kind, "metadata": metadata}


def _workload() -> tuple[Manifest, ...]:
    containers = [{"name": "web", "image": IMAGE}]
    deployment = _object("Deployment")
    deployment["spec"] = {"replicas": 1, "template": {"spec": {"containers": containers}}}
    deployment["status"] = {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
    }
    replica_set = _object("ReplicaSet", "Deployment") | {
        "spec": {"replicas": 1},
        "status": {"readyReplicas": 1},
    }
    pod = _object("Pod", "ReplicaSet") | {
        "spec": {"containers": containers},
        "status": {"phase": "Running"},
    }
    return deployment, replica_set, pod


def _route() -> tuple[Manifest, ...]:
    service = _object("Service") | {"spec": {"ports": [{"name": "http", "port": 80}]}}
    endpoints = _object("EndpointSlice", "Service")
    endpoints["endpoints"] = [{"conditions": {"ready": True}}]
    backend = {"service": {"name": NAME, "port": {"name": "http"}}}
    rule = {"host": "pr-1-shop.apps.localhost", "http": {"paths": [{"backend": backend}]}}
    ingress = _object("Ingress") | {"spec": {"rules": [rule]}}
    lease = _object("Lease", None) | {"spec": {"holderIdentity": "uid-of-Environment"}}
    return service, endpoints, ingress, lease
