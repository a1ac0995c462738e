"""Sees to the namespaces that are made: makes those of Projects, and what is made once for each."""

from dataclasses import dataclass
from typing import Final

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError, Waiting
from kapsa.adapters.resources import PROJECTS
from kapsa.controllers.indexes import OWNER
from kapsa.controllers.namespaces.clearing import Clearing
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Manifest, uid_of
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.registries.users import pull_secret_of
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.manifests.namespace import namespace
from kapsa.core.places import Place, place_of
from kapsa.core.projects.furnishings import NamespaceRules, furnishings
from kapsa.core.projects.namespaces import (
    bears_its_stamp,
    environment_namespace,
    may_inherit,
)
from kapsa.models.domain_pool import DomainPool
from kapsa.models.project import Project
from kapsa.models.reasons import Reason

_ENDING_RETRY: Final = 60.0
"""Seconds between two looks at a namespace that is being deleted; its end is heard of earlier."""
_EMPTYING_RETRY: Final = 2.0
"""Seconds between two looks at Environments of a former Project, whose end nobody else awaits."""


@dataclass(frozen=True)
class Furnished:
    """How a namespace is.

    Attributes:
        unusable: Why nothing can be in it; None where something can.
        problems: What is not as it should be, first what an Environment can't be made without.
        is_safe: Whether new Environments can be made in it.
    """

    unusable: Blocked | None = None
    problems: tuple[Blocked, ...] = ()
    is_safe: bool = True


@dataclass(frozen=True)
class Furnisher:
    """Brings namespaces in order.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes objects.
        clearing: Knows which namespaces hold volumes.
        rules: What the admin wants of every namespace that is made.
    """

    cluster: Cluster
    state: State
    applier: Applier
    clearing: Clearing
    rules: NamespaceRules

    async def see_to(
        self, project: Project, environment: str, pool: DomainPool | Blocked | None
    ) -> Furnished:
        """Bring one namespace of a Project in order; return what it is like.

        Args:
            project: The Project.
            environment: Name of the Environment that it is for, with isolation `Environment`.
            pool: Where hosts are from, or why that isn't known; None where there are none.
        """
        try:
            place = await self._place(project, environment)
        except AdapterError as error:
            return Furnished(unusable=interpret(error).blocked, is_safe=False)
        return await self.furnish(place, pool)

    async def furnish(self, place: Place, pool: DomainPool | Blocked | None) -> Furnished:
        """Bring in order what is made once for a namespace which is there; return what it is like.

        Args:
            place: The namespace; with its UID where it was made.
            pool: See `see_to`.
        """
        problems, is_safe = [], True
        pull_secret = pull_secret_of(self.state, place.registry)
        wanted = furnishings(place, self.rules, pool, pull_secret)
        for manifest in wanted:
            try:
                await self._furnish(place, manifest)
            except AdapterError as error:
                problems.append(interpret(error).blocked)
                # Whoever may not look in keeps nobody from running.
                is_safe = is_safe and manifest["kind"] == "RoleBinding"
        kept = {manifest["kind"] for manifest in wanted}
        if isinstance(pool, Blocked):
            kept.add("NetworkPolicy")
        try:
            await self._remove_others(place, kept)
        except AdapterError as error:
            problems.append(interpret(error).blocked)
        return Furnished(problems=tuple(problems), is_safe=is_safe)

    async def _place(self, project: Project, environment: str) -> Place:
        """Return the namespace, which is there; with its UID where it is made."""
        name = environment_namespace(project, environment)
        if project.spec.isolation == "Shared":
            return place_of(project, environment)
        wanted = stamp(namespace(project, environment, pod_security=self.rules.pod_security))
        inherited = await self._inherit(project, name)

        def is_ours(live: Manifest) -> bool:
            uid = project.metadata.uid
            return inherited or labels.is_owned_by(live, uid) or bears_its_stamp(live, wanted)

        live = await self.applier.apply(wanted, is_ours, Reason.NAMESPACE_CONFLICT)
        if live["metadata"].get("deletionTimestamp"):
            raise Waiting(
                Reason.NAMESPACE_TERMINATING,
                f"namespace {name} is being deleted; it is made anew once it is gone",
                retry_after=_ENDING_RETRY,
            )
        return place_of(project, environment, uid_of(live))

    async def _inherit(self, project: Project, name: str) -> bool:
        """Tell whether the Project takes the namespace that a former one of its name has left.

        It does where a volume is retained in it, since nobody deletes it then; what else the former
        one left in it goes first.

        Raises:
            Waiting: It is not gone yet.
        """
        live = self.state.namespaces.get("", name)
        if live is None or not may_inherit(live, project):
            return False
        if not self.clearing.is_known_to_hold_volumes(name):
            return False
        former = live["metadata"]["labels"][labels.OWNER_UID]
        left = self.clearing.environments_of(name, former)
        if not left or not all(item["metadata"].get("deletionTimestamp") for item in left):
            meta = project.metadata
            present = await self.cluster.get(PROJECTS, meta.name, meta.namespace)
            if present is None or uid_of(present) != meta.uid:
                return False
            await self.clearing.empty(name, former)
        if left:
            raise Waiting(
                Reason.NAMESPACE_TERMINATING,
                f"namespace {name} is being emptied of what a former Project of this name left",
                retry_after=_EMPTYING_RETRY,
            )
        return True

    async def _furnish(self, place: Place, manifest: Manifest) -> None:
        """Bring one object of a namespace to what it should be."""

        def is_ours(live: Manifest) -> bool:
            owner = place.uid if place.is_made else place.owner_uid
            return labels.controller_uid(live) == owner or labels.is_owned_by(live, place.owner_uid)

        metadata = manifest["metadata"]
        cache = self.state.by_kind(manifest["kind"])
        live = cache.get(metadata["namespace"], metadata["name"])
        if live is not None and is_ours(live) and live.get("roleRef") != manifest.get("roleRef"):
            # It can't be changed: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
            await self.applier.delete(live)
        await self.applier.apply(manifest, is_ours)

    async def _remove_others(self, place: Place, kept: set[str]) -> None:
        """Delete what was made for the namespace and is not wanted any more: whole kinds of it."""
        if not place.is_made:
            return
        for cache in self.state.furnishings:
            if cache.resource.kind in kept:
                continue
            for live in cache.find(OWNER, place.uid):
                is_here = live["metadata"].get("namespace") == place.namespace
                is_going = live["metadata"].get("deletionTimestamp")
                if is_here and labels.is_managed(live) and not is_going:
                    await self.applier.delete(live)
