"""The namespaces that Environments have for themselves: made before them, and gone with them."""

from collections.abc import Iterable
from dataclasses import dataclass

from kapsa.adapters.errors import AdapterError
from kapsa.controllers.indexes import NAMESPACE, OWNER
from kapsa.controllers.namespaces.furnishing import Furnished, Furnisher
from kapsa.controllers.projects.inputs import Surroundings
from kapsa.controllers.reconciling.cache import uid_of
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.core.conditions import Blocked
from kapsa.core.projects.namespaces import forsaken
from kapsa.core.projects.plans import ProjectPlan
from kapsa.models.environment import Environment
from kapsa.models.project import Project


@dataclass(frozen=True)
class Homes:
    """Makes and removes the namespaces in which Environments of a Project live.

    Attributes:
        furnisher: Brings namespaces in order.
    """

    furnisher: Furnisher

    async def see_to(self, project: Project, name: str, around: Surroundings) -> Furnished:
        """Return how the namespace of the Environment of that name is, brought in order."""
        return around.furnished or await self.furnisher.see_to(project, name, around.pool)

    async def leave(self, project: Project, environment: Environment) -> Blocked | None:
        """Delete an Environment, with the namespace that was made for it alone.

        Return what went wrong.
        """
        meta, state = environment.metadata, self.furnisher.state
        live = state.environments.get(meta.namespace, meta.name)
        if live is None or uid_of(live) != meta.uid:
            return None
        own = state.namespaces.get("", meta.namespace)
        try:
            if own is not None and forsaken(project, (own,), frozenset()):
                await self.furnisher.clearing.clear(own, project.metadata.uid)
            elif own is None or not own["metadata"].get("deletionTimestamp"):
                await self.furnisher.applier.delete(live)
        except AdapterError as error:
            return interpret(error).blocked
        return None

    async def leave_forsaken(self, project: Project, plan: ProjectPlan) -> list[Blocked]:
        """Delete namespaces that were made for Environments which never came, or went by hand.

        Return what went wrong. One in which there is any Environment is not left.
        """
        if plan.homes is None:
            return []
        state, failures = self.furnisher.state, []
        uid = project.metadata.uid
        for live in forsaken(project, state.namespaces.find(OWNER, uid), plan.homes):
            name = live["metadata"]["name"]
            has_environment = bool(state.environments.find(NAMESPACE, name))
            if has_environment or self.furnisher.clearing.is_known_to_hold_volumes(name):
                continue
            try:
                await self.furnisher.clearing.clear(live, uid)
            except AdapterError as error:
                failures.append(interpret(error).blocked)
        return failures


def staying(
    existing: Iterable[Environment], plan: ProjectPlan, brought: Iterable[str]
) -> list[str]:
    """Return the names of Environments that stay as they are: not `brought`, nor deleted."""
    others = {*brought, *(item.metadata.name for item in plan.delete)}
    return [
        item.metadata.name
        for item in existing
        if item.metadata.name not in others and not item.metadata.deletion_timestamp
    ]
