"""Where the Environments of a Project live: in its own namespace, or in namespaces made for it.

The name of an Environment leads to its namespace, and nothing else does: so an Environment that
somebody makes elsewhere is none of the Project's, whatever it says.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from kapsa.core import labels
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.utils.names import with_digest

Manifest = Mapping[str, Any]


def environment_namespace(project: Project, name: str) -> str:
    """Return the namespace in which the Project's Environment of that name lives.

    Where namespaces are made, no other Project's name leads to the same one, and with isolation
    `Environment` no other Environment's.
    """
    common = common_namespace(project)
    if common:
        return common
    meta = project.metadata
    return with_digest(f"kapsa-{name}", f"{meta.namespace}/{meta.name}/{name}")


def common_namespace(project: Project) -> str:
    """Return the namespace of all its Environments; nothing where each has one of its own."""
    meta = project.metadata
    if project.spec.isolation == "Shared":
        return meta.namespace
    if project.spec.isolation == "Project":
        return with_digest(f"kapsa-{meta.name}", f"{meta.namespace}/{meta.name}")
    return ""


def is_at_home(environment: Environment, project: Project) -> bool:
    """Tell whether an Environment is where the Project's Environment of its name lives."""
    meta = environment.metadata
    return meta.namespace == environment_namespace(project, meta.name)


def is_made_for(namespace: Manifest, project: Project) -> bool:
    """Tell whether Kapsa made the namespace for the Project, or for an Environment of it."""
    return (
        project.spec.isolation != "Shared"
        and labels.is_owned_by(namespace, project.metadata.uid)
        and (
            namespace["metadata"]["name"] == common_namespace(project)
            or _is_for_one_environment(namespace, project)
        )
    )


def service_account_name(project: str) -> str:
    """Return the name of the ServiceAccount that the pods of a Project run as."""
    return f"kapsa-{project}"


def owner_of(project: Project) -> str:
    """Return how the annotation of a made namespace names its Project."""
    return f"Project/{project.metadata.namespace}/{project.metadata.name}"


def forsaken(
    project: Project, live: Iterable[dict[str, Any]], wanted: AbstractSet[str]
) -> tuple[dict[str, Any], ...]:
    """Return the namespaces that were made for Environments which there shouldn't be any more.

    Args:
        project: A Project.
        live: Namespaces.
        wanted: Names of the Environments that are, or should be.
    """
    if project.spec.isolation != "Environment":
        return ()
    homes = {environment_namespace(project, name) for name in wanted}
    return tuple(
        namespace
        for namespace in live
        if labels.is_owned_by(namespace, project.metadata.uid)
        and _is_for_one_environment(namespace, project)
        and namespace["metadata"]["name"] not in homes
        and not namespace["metadata"].get("deletionTimestamp")
    )


def _is_for_one_environment(namespace: Manifest, project: Project) -> bool:
    metadata = namespace["metadata"]
    name = (metadata.get("labels") or {}).get(labels.ENVIRONMENT, "")
    return bool(metadata["name"] == environment_namespace(project, name))


def may_inherit(namespace: Manifest, project: Project) -> bool:
    """Tell whether a namespace was made for a former Project of the same namespace and name.

    It says so itself: only who may write namespaces could forge it. Whether that Project is gone,
    and whether the namespace is there to stay, the caller must know.
    """
    metadata = namespace["metadata"]
    said = (metadata.get("annotations") or {}).get(labels.OWNER, "")
    former = (metadata.get("labels") or {}).get(labels.OWNER_UID, "")
    return (
        labels.is_managed(namespace)
        and said == owner_of(project)
        and former not in ("", project.metadata.uid)
        and not metadata.get("deletionTimestamp")
    )


def bears_its_stamp(live: Manifest, desired: Manifest) -> bool:
    """Tell whether a namespace is the one that Kapsa applied, though somebody took labels off it.

    It has no ownerReference to tell it by. The digest in its annotation is of all that was applied,
    the owner's UID among it.
    """
    annotations = live["metadata"].get("annotations") or {}
    stamped = desired["metadata"]["annotations"][labels.APPLIED]
    return bool(annotations.get(labels.APPLIED) == stamped)
