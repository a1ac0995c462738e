"""The plan as documents for programs and people: YAML and JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import yaml

from kapsa.cli.planning.values import (
    Manifest,
    PlannedEnvironment,
    PlannedPlace,
    PlannedProject,
    explanation_of,
)
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.models.project_status import Candidate

_HEADER = """\
# What Kapsa would bring the cluster to.
# Images are named by tag: the operator looks the digest up in the registry, and writes that.
# A UID of zeros stands for the one that the API server gives to a new object.
# Copies of ConfigMaps and Secrets are shown without their content, which a plan does not read.
"""


def readable(manifest: Manifest) -> Manifest:
    """Return the manifest without the digest by which the operator knows what it applied last."""
    metadata = dict(manifest["metadata"])
    annotations = dict(metadata.pop("annotations", None) or {})
    annotations.pop(labels.APPLIED, None)
    if annotations:
        metadata["annotations"] = annotations
    return {**manifest, "metadata": metadata}


def to_yaml(projects: Iterable[PlannedProject]) -> str:
    """Return all manifests as documents of one YAML stream, notes as comments before them."""
    planned = tuple(projects)
    notes = [f"# Note: {note}\n" for project in planned for note in project.notes]
    manifests = [manifest for project in planned for manifest in project.objects]
    documents = (yaml.safe_dump(readable(one), sort_keys=False, width=100) for one in manifests)
    return _HEADER + "".join((*notes, *(f"---\n{document}" for document in documents)))


def to_json(projects: Iterable[PlannedProject]) -> str:
    """Return all that is planned as one JSON document."""
    return json.dumps({"projects": [_project(item) for item in projects]}, indent=2) + "\n"


def _project(project: PlannedProject) -> dict[str, Any]:
    return {
        "name": project.name,
        "namespace": project.namespace,
        "failure": _blocked(project.failure),
        "notes": list(project.notes),
        "namespaces": [_place(item) for item in project.places],
        "environments": [_environment(item) for item in project.environments],
        "offers": [asdict(item) for item in project.offers],
        "candidates": [_candidate(item) for item in project.candidates],
    }


def _place(item: PlannedPlace) -> dict[str, Any]:
    return {
        "name": item.name,
        "action": "apply" if item.is_wanted else "delete",
        "namespace": readable(item.manifest) if item.manifest else None,
        "objects": [readable(manifest) for manifest in item.objects],
    }


def _environment(item: PlannedEnvironment) -> dict[str, Any]:
    return {
        "name": item.name,
        "namespace": item.namespace,
        "action": item.action,
        "blocked": _blocked(item.blocked),
        "ref": item.ref,
        "host": item.host,
        "url": item.url,
        "environment": readable(item.manifest),
        "objects": [readable(manifest) for manifest in item.objects],
    }


def _candidate(item: Candidate) -> dict[str, Any]:
    return {**item.model_dump(by_alias=True), "explanation": explanation_of(item.reason)}


def _blocked(blocked: Blocked | None) -> dict[str, str] | None:
    return {"reason": str(blocked.reason), "message": blocked.message} if blocked else None
