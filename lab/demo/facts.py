"""What to show when a step has failed: the state of things, in few lines."""

from __future__ import annotations

from collections.abc import Iterator

from lab.demo.snapshot import Manifest, Snapshot


def facts(snapshot: Snapshot) -> list[str]:
    """Return lines about each Project and Environment, and about the objects of the latter."""
    lines: list[str] = []
    for kind in ("DomainPool", "Registry", "Project", "Environment"):
        for item in snapshot.of(kind):
            lines += [_title(item), *_conditions(item)]
            if kind == "Environment":
                lines += [f"  {each}" for each in _objects(snapshot, item)]
    return lines or ["the cluster has no object of Kapsa"]


def _title(item: Manifest) -> str:
    metadata, status = item["metadata"], item.get("status") or {}
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    shown = {key: status[key] for key in ("phase", "url", "commit", "image") if status.get(key)}
    said = "".join(f" {key}={value}" for key, value in shown.items())
    return f"{item['kind']} {name}{said}"


def _conditions(item: Manifest) -> Iterator[str]:
    for each in (item.get("status") or {}).get("conditions") or []:
        yield f"  {each['type']}={each['status']} {each.get('reason')}: {each.get('message')}"


def _objects(snapshot: Snapshot, environment: Manifest) -> Iterator[str]:
    for item in snapshot.labelled(environment["metadata"]["name"]):
        kind, status = item["kind"], item.get("status") or {}
        state = ""
        if kind in {"Deployment", "ReplicaSet"}:
            wanted = item["spec"].get("replicas")
            state = f" {status.get('readyReplicas', 0)}/{wanted} ready"
        elif kind == "Pod":
            state = f" {status.get('phase')}"
        yield f"{kind} {item['metadata']['name']}{state}"
