"""Waits until an environment runs what it was told to."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.resources import ENVIRONMENTS, PROJECTS
from kapsa.cli.promotions.finding import environment_of
from kapsa.cli.remote.desk import NotReadyError
from kapsa.cli.remote.waiting import Patience, until_ready
from kapsa.core.conditions import find
from kapsa.models.conditions import ConditionType
from kapsa.models.project import Project


@dataclass(frozen=True)
class Awaited:
    """What is waited for.

    Attributes:
        project: The Project as it was written.
        environment: Name of its permanent environment.
        image: The image that it is told to run.
    """

    project: Project
    environment: str
    image: str

    def why(self) -> str:
        """Return what is missing as long as nobody has told the Environment."""
        return (
            f"the Environment for {self.environment} is told to run it; nothing tells it: does the"
            " operator run?"
        )


async def until_running(patience: Patience, awaited: Awaited) -> Manifest:
    """Return the Environment once it runs the image and is Ready.

    Raises:
        NotReadyError: It, or its Project, has failed, or it is not Ready in time.
    """

    async def look() -> Manifest | None:
        return await _told(patience, awaited)

    return await until_ready(patience, await patience.until(look, awaited.why))


async def _told(patience: Patience, awaited: Awaited) -> Manifest | None:
    """Return the Environment if it is told to run the image."""
    cluster = patience.desk.cluster
    found = await environment_of(patience.desk, awaited.project, awaited.environment)
    if found is not None and found.spec.image == awaited.image:
        return await cluster.get(ENVIRONMENTS, found.metadata.name, found.metadata.namespace)
    meta = awaited.project.metadata
    live = await cluster.get(PROJECTS, meta.name, meta.namespace)
    if live is None or live["metadata"]["uid"] != meta.uid:
        raise NotReadyError(f"Project {meta.namespace}/{meta.name} was deleted meanwhile")
    _refuse_failed(Project.model_validate(live), meta.generation)
    return None


def _refuse_failed(project: Project, generation: int) -> None:
    meta = project.metadata
    if project.spec.suspend:
        raise NotReadyError(
            f"Project {meta.namespace}/{meta.name} is suspended: nothing is rolled out before"
            " spec.suspend is false"
        )
    stalled = find(project.status.conditions, ConditionType.STALLED)
    if stalled and stalled.status == "True" and stalled.observed_generation >= generation:
        raise NotReadyError(
            f"Project {meta.namespace}/{meta.name}: {stalled.reason}: {stalled.message}"
        )
