"""Sees to the namespace in which images are built."""

from collections.abc import Sequence
from dataclasses import dataclass

from kapsa.adapters.errors import AdapterError, Waiting
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.state import State
from kapsa.core.builds.namespace import furnishings_of_builds, is_for_builds
from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class BuildNamespace:
    """Brings the namespace of builds in order.

    Attributes:
        state: The caches.
        applier: Writes objects.
        name: Its name.
        excepted: Networks that builds don't reach.
    """

    state: State
    applier: Applier
    name: str
    excepted: Sequence[str]

    async def see_to(self) -> Blocked | None:
        """Bring it in order; return why nothing can be built there, None where something can."""
        endpoints = (
            str((item.get("spec") or {}).get("endpoint")) for item in self.state.registries
        )
        try:
            for manifest in furnishings_of_builds(self.name, endpoints, self.excepted):
                is_namespace = manifest["kind"] == "Namespace"
                conflict = Reason.NAMESPACE_CONFLICT if is_namespace else Reason.NAME_CONFLICT
                live = await self.applier.apply(manifest, is_for_builds, conflict)
                if live["metadata"].get("deletionTimestamp"):
                    raise Waiting(
                        Reason.NAMESPACE_TERMINATING,
                        f"{manifest['kind']} {live['metadata']['name']}, in which images are built,"
                        " is being deleted; it is made anew once it is gone",
                    )
        except AdapterError as error:
            return interpret(error).blocked
        return None
