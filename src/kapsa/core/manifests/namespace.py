"""The namespace that Kapsa makes for a Project, or for one of its Environments."""

from typing import Any

from kapsa.core import labels
from kapsa.core.projects.namespaces import environment_namespace, owner_of
from kapsa.core.workloads.pod_security import Profile, namespace_labels
from kapsa.models.project import Project


def namespace(
    project: Project, environment: str = "", *, pod_security: Profile = "restricted"
) -> dict[str, Any]:
    """Return the namespace of a Project with isolation `Project` or `Environment`.

    It carries the Project's UID instead of an ownerReference, which must not cross namespaces.

    Args:
        project: The Project.
        environment: Name of the Environment that it is for, with isolation `Environment`.
        pod_security: The Pod Security Standard: pods that break it are refused in the namespace.
    """
    meta = project.metadata
    said = {
        **labels.MANAGED,
        labels.PROJECT: meta.name,
        labels.OWNER_UID: meta.uid,
        **namespace_labels(pod_security),
    }
    if project.spec.isolation == "Environment":
        said[labels.ENVIRONMENT] = environment
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": environment_namespace(project, environment),
            "labels": said,
            "annotations": {labels.OWNER: owner_of(project)},
        },
    }
