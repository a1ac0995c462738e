"""Finds a Project and its Environments."""

from pydantic import ValidationError

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.resources import ENVIRONMENTS, PROJECTS
from kapsa.cli.remote.desk import CommandError, Desk, NotReadyError
from kapsa.core.projects.namespaces import environment_namespace
from kapsa.core.projects.promotion import identity_of, usual_names
from kapsa.models.environment import Environment
from kapsa.models.project import Project


async def project_of(desk: Desk, name: str) -> tuple[Manifest, Project]:
    """Return the Project of that name, as it is and as it is understood.

    Raises:
        NotReadyError: There is none.
        CommandError: It is of another version than this command.
    """
    live = await desk.cluster.get(PROJECTS, name, desk.here)
    if live is None:
        raise NotReadyError(
            f"there is no Project {name} in namespace {desk.here}; name another with --namespace"
        )
    try:
        return live, Project.model_validate(live)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CommandError(
            f"Project {desk.here}/{name}: {where}: {first['msg']}; is this the operator's version"
            " of kapsa?"
        ) from error


async def environment_of(desk: Desk, project: Project, name: str) -> Environment | None:
    """Return the Project's Environment that a person means by `name`; None where there is none."""
    for candidate in usual_names(project, identity_of(project, name)):
        where = environment_namespace(project, candidate)
        live = await desk.cluster.get(ENVIRONMENTS, candidate, where)
        found = Environment.model_validate(live) if live else None
        reference = found.spec.project_ref if found else None
        if reference is not None and reference.uid == project.metadata.uid:
            return found
    return None


async def existing(desk: Desk, project: Project, name: str) -> Environment:
    """Return the Project's Environment that a person means by `name`.

    Raises:
        NotReadyError: There is none.
    """
    found = await environment_of(desk, project, name)
    if found is not None:
        return found
    prefix = f"{project.metadata.name}-"
    names = ", ".join(item.name.removeprefix(prefix) for item in project.status.environments)
    raise NotReadyError(
        f"Project {project.metadata.name} has no environment {name}"
        + (f"; it has {names}" if names else " yet")
    )
