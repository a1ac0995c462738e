"""What every object of an Environment has in common."""

from dataclasses import dataclass
from typing import Any

from kapsa.core import labels
from kapsa.models.base import API_VERSION
from kapsa.models.environment import Environment
from kapsa.models.runtime import ContainerPort
from kapsa.utils.names import slug

DEFAULT_PORT = ContainerPort(name="http", container_port=8080)
"""Where an application listens that declares nothing."""

SERVICE_PORT = 80
WEB = "web"
"""The process that the Service and the URL lead to."""


@dataclass(frozen=True)
class WorkloadContext:
    """What the builders of one Environment's objects are given.

    Attributes:
        environment: The Environment.
        image: The image that runs.
        commit: Its commit; nothing where none is known.
        host: The host; nothing where there is none.
    """

    environment: Environment
    image: str
    commit: str = ""
    host: str = ""
    ingress_class_name: str | None = None

    @property
    def name(self) -> str:
        """Name of the Environment, and of the objects of its web process."""
        return self.environment.metadata.name

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """Ports of the web process, of which the URL leads to the first."""
        return self.environment.spec.runtime.ports or (DEFAULT_PORT,)

    @property
    def url(self) -> str:
        """Where the Environment answers; nothing without a host."""
        return f"http://{self.host}" if self.host else ""


def metadata(context: WorkloadContext, name: str, process: str = WEB) -> dict[str, Any]:
    """Return the metadata of an object of the Environment: its names, labels and owner."""
    environment = context.environment
    annotations = {}
    if context.commit:
        annotations[labels.COMMIT] = context.commit
    if environment.spec.branch:
        annotations[labels.REF] = environment.spec.branch
    built = {
        "name": name,
        "namespace": environment.metadata.namespace,
        "labels": object_labels(environment, process),
        "ownerReferences": [
            labels.owner_reference(
                API_VERSION, "Environment", context.name, environment.metadata.uid
            )
        ],
    }
    return built | ({"annotations": annotations} if annotations else {})


def object_labels(environment: Environment, process: str = WEB) -> dict[str, str]:
    """Return the labels of an object of the Environment."""
    spec = environment.spec
    project = spec.project_ref.name if spec.project_ref else ""
    built = {
        **labels.MANAGED,
        labels.NAME: project or environment.metadata.name,
        labels.INSTANCE: environment.metadata.name,
        **selector(environment, process),
    }
    if project:
        built[labels.PROJECT] = project
    return built | preview_labels(environment)


def preview_labels(environment: Environment) -> dict[str, str]:
    """Return the label that says what a preview shows: a pull request, or a branch."""
    spec = environment.spec
    if spec.type != "preview":
        return {}
    if spec.pull_request is not None:
        return {labels.PULL_REQUEST: str(spec.pull_request.number)}
    return {labels.BRANCH: slug(spec.branch)} if spec.branch else {}


def selector(environment: Environment, process: str = WEB) -> dict[str, str]:
    """Return the labels by which the pods of a process are found; they never change."""
    return {labels.ENVIRONMENT: environment.metadata.name, labels.PROCESS: process}
