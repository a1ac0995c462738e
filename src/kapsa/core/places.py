"""The namespaces that are furnished: for a Project, or for an Environment that stands alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kapsa.core import labels
from kapsa.core.projects.namespaces import environment_namespace, owner_of, service_account_name
from kapsa.models.base import API_VERSION
from kapsa.models.project import Project, Subject


@dataclass(frozen=True)
class Place:
    """A namespace in which Environments live.

    Attributes:
        namespace: Its name.
        owner_kind: `Project` or `Environment`: what it is furnished for.
        owner_name: Name of that.
        owner_uid: UID of that.
        owner: The same in words, as the annotation has it: `<Kind>/<namespace>/<name>`.
        is_made: Whether it was made for the owner, and isn't a tenant's.
        uid: UID of the namespace, where it was made and is there.
        labels: What objects in it say beside whose they are.
        service_account: Name of the ServiceAccount that pods in it run as.
        access: Who may look into it.
        registry: Name of the Registry whose images run in it; nothing for none.
    """

    namespace: str
    owner_kind: str
    owner_name: str
    owner_uid: str
    owner: str
    is_made: bool
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str = ""
    access: tuple[Subject, ...] = ()
    registry: str = ""

    def metadata(self, name: str) -> dict[str, Any]:
        """Return the metadata of an object that is made once for the namespace.

        It goes with a made namespace, by which it is known even without its labels; in a tenant's
        it goes with the owner.
        """
        goes_with = (
            labels.owner_reference("v1", "Namespace", self.namespace, self.uid)
            if self.is_made
            else labels.owner_reference(
                API_VERSION, self.owner_kind, self.owner_name, self.owner_uid
            )
        )
        return {
            "name": name,
            "namespace": self.namespace,
            "labels": {
                **labels.MANAGED,
                labels.NAME: self.owner_name,
                **self.labels,
                labels.OWNER_UID: self.owner_uid,
            },
            "annotations": {labels.OWNER: self.owner},
            "ownerReferences": [goes_with],
        }


def place_of(project: Project, environment: str = "", uid: str = "") -> Place:
    """Return a namespace in which Environments of a Project live.

    Args:
        project: The Project.
        environment: Name of the only Environment in it, with isolation `Environment`.
        uid: UID of the namespace, where it was made and is there.
    """
    meta = project.metadata
    said = {labels.PROJECT: meta.name}
    if project.spec.isolation == "Environment":
        said[labels.ENVIRONMENT] = environment
    return Place(
        namespace=environment_namespace(project, environment),
        owner_kind="Project",
        owner_name=meta.name,
        owner_uid=meta.uid,
        owner=owner_of(project),
        is_made=project.spec.isolation != "Shared",
        uid=uid,
        labels=said,
        service_account=service_account_name(meta.name),
        access=project.spec.access,
        registry=project.spec.registry.name if project.spec.registry else "",
    )
