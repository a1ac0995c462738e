"""The namespace that Kapsa makes for a Project."""

from typing import Any

from kapsa.core import labels
from kapsa.models.project import Project
from kapsa.utils.names import with_digest


def namespace_name(project: Project) -> str:
    """Return where the Environments of the Project live.

    With isolation `Project`, a namespace of its own that no other Project's name leads to.
    """
    meta = project.metadata
    if project.spec.isolation == "Shared":
        return meta.namespace
    return with_digest(f"kapsa-{meta.name}", f"{meta.namespace}/{meta.name}")


def namespace(project: Project) -> dict[str, Any]:
    """Return the namespace of a Project with isolation `Project`.

    It carries the Project's UID instead of an ownerReference, which must not cross namespaces.
    Pods that break the Pod Security Standard `restricted` are refused in it.
    """
    meta = project.metadata
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": namespace_name(project),
            "labels": {
                **labels.MANAGED,
                labels.PROJECT: meta.name,
                labels.OWNER_UID: meta.uid,
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
            "annotations": {labels.OWNER: f"Project/{meta.namespace}/{meta.name}"},
        },
    }
