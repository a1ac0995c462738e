"""What every object of an Environment has in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from kapsa.core import labels
from kapsa.core.workloads.configuration import NO_CONFIGURATION, Configuration
from kapsa.core.workloads.processes import MAIN, Process, main_process
from kapsa.models.base import API_VERSION
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.utils.names import join_digested, slug

SERVICE_PORT = 80


@dataclass(frozen=True)
class WorkloadContext:
    """What the builders of one Environment's objects are given.

    Attributes:
        environment: The Environment.
        image: The image that runs.
        commit: Its commit; nothing where none is known.
        host: The host; nothing where there is none.
        pool: The DomainPool that says how the host is routed.
        scheme: How the host is spoken to.
        tls_secret: The Secret with the certificate of the host; nothing where the router has it.
        service_account: The ServiceAccount that the pods run as; nothing for the namespace's
            `default`.
        pull_secret: The Secret that the pods name to pull their image with; nothing where their
            ServiceAccount names it, or none is needed.
        configuration: The ConfigMaps and Secrets that the pods get.
    """

    environment: Environment
    image: str
    commit: str = ""
    host: str = ""
    pool: DomainPool | None = None
    scheme: Literal["http", "https"] = "http"
    tls_secret: str = ""
    service_account: str = ""
    pull_secret: str = ""
    configuration: Configuration = NO_CONFIGURATION

    @property
    def name(self) -> str:
        """Name of the Environment, and of the objects of its web process."""
        return self.environment.metadata.name

    def name_of(self, process: Process) -> str:
        """Return the name of the objects of a process."""
        return self.name if process.is_main else join_digested(self.name, process.name)

    @property
    def main(self) -> Process:
        """The main process."""
        return main_process(self.environment.spec.runtime)

    @property
    def url(self) -> str:
        """Where the Environment answers; nothing without a host."""
        return f"{self.scheme}://{self.host}" if self.host else ""


def metadata(
    context: WorkloadContext,
    name: str,
    process: str = MAIN,
    annotations: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the metadata of an object of the Environment: its names, labels and owner.

    Kapsa's own annotations go over those that are given.
    """
    environment = context.environment
    annotations = dict(annotations)
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


def object_labels(environment: Environment, process: str = MAIN) -> dict[str, str]:
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


def selector(environment: Environment, process: str = MAIN) -> dict[str, str]:
    """Return the labels by which the pods of a process are found; they never change."""
    return {labels.ENVIRONMENT: environment.metadata.name, labels.PROCESS: process}
