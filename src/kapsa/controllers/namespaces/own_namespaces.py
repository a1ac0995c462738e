"""The namespaces that were made for Environments which stand alone: furnished before their pods."""

from dataclasses import dataclass

from kapsa.adapters.resources import NAMESPACES
from kapsa.controllers.namespaces.furnishing import Furnisher
from kapsa.core.conditions import Blocked
from kapsa.core.environments.own_namespace import own_place
from kapsa.core.places import Place
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment


@dataclass(frozen=True)
class OwnNamespaces:
    """Furnishes them. The namespaces themselves are written by whoever makes them.

    Attributes:
        furnisher: Brings namespaces in order.
    """

    furnisher: Furnisher

    async def see_to(
        self, environment: Environment, pool: DomainPool | Blocked | None
    ) -> Place | Blocked | None:
        """Bring in order what is made once for the namespace of an Environment.

        Args:
            environment: The Environment.
            pool: Where its host is from, or why that isn't known; None where it wants none.

        Returns:
            The namespace, or what is not as it should be in it; None where it isn't the
            Environment's own.

        Raises:
            AdapterError: The API server can't be asked for a namespace that may just have been
                made.
        """
        if environment.spec.project_ref is not None:
            return None
        name = environment.metadata.namespace
        live = self.furnisher.state.namespaces.get("", name)
        if live is None and not environment.status.conditions:
            # What the watch doesn't show yet must be known before there is a pod.
            live = await self.furnisher.cluster.get(NAMESPACES, name)
        place = own_place(environment, live)
        if place is None:
            return None
        furnished = await self.furnisher.furnish(place, pool)
        return furnished.problems[0] if furnished.problems else place
