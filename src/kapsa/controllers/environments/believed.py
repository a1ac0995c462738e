"""Whether an Environment is the Project's that it names: anybody may name one."""

from kapsa.controllers.state import State, parse
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.projects.namespaces import is_at_home
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason


def project_of(state: State, environment: Environment) -> tuple[Project | None, Blocked | None]:
    """Return the Environment's Project, and why its word on that is not believed."""
    reference = environment.spec.project_ref
    if reference is None:
        return None, None
    live = state.projects.get(reference.namespace, reference.name)
    project = parse(Project, live) if live else None
    if not isinstance(project, Project) or project.metadata.uid != reference.uid:
        return None, Blocked(
            Reason.PROJECT_NOT_FOUND,
            f"Project {reference.namespace}/{reference.name} with UID {reference.uid}"
            " does not exist",
            stalled=True,
        )
    namespace = environment.metadata.namespace
    if namespace != reference.namespace:
        made = state.namespaces.get("", namespace)
        is_of_project = made is not None and labels.is_owned_by(made, reference.uid)
        if not is_of_project or not is_at_home(environment, project):
            return None, Blocked(
                Reason.PROJECT_MISMATCH,
                f"namespace {namespace} is not of Project"
                f" {reference.namespace}/{reference.name}; create the Environment there,"
                " or without spec.projectRef",
                stalled=True,
            )
    return project, None
