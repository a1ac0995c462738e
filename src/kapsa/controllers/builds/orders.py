"""Composes orders of builds: what is built, with whose credentials, and pushed where."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import Stalled
from kapsa.config import Settings
from kapsa.controllers.builds.pushes import Pushes
from kapsa.controllers.offers import Offers
from kapsa.controllers.secrets import repository_credentials
from kapsa.core.builds.keys import cache_of
from kapsa.core.builds.orders import BuildOrder, BuildSecrets, BuildSettings
from kapsa.core.builds.wants import Want
from kapsa.core.conditions import Blocked
from kapsa.models.project import Project
from kapsa.models.registry import Registry
from kapsa.utils.durations import parse_duration


@dataclass(frozen=True)
class BuildOrders:
    """Composes orders.

    Attributes:
        cluster: The API, for the Secrets of Projects.
        offers: Finds Registries.
        pushes: Gives credentials to push.
        settings: The operator's settings.
    """

    cluster: Cluster
    offers: Offers
    pushes: Pushes
    settings: Settings

    async def order(self, project: Project, want: Want) -> tuple[BuildOrder, BuildSecrets]:
        """Return a build with all that it needs to know.

        Raises:
            AdapterError: Something of that is not there.
        """
        settings, spec = self.settings, project.spec
        timeout = parse_duration(spec.build.timeout)
        git = await repository_credentials(self.cluster, project)
        push = await self.pushes.to(self._registry(project), want.image, timeout)
        order = BuildOrder(
            name=want.name,
            key=want.key,
            attempt=want.attempt,
            requested_at=want.requested_at,
            origin=want.origin,
            repository=spec.repository.url,
            commit=want.commit,
            build=spec.build,
            image=want.image,
            cache=cache_of(want.image.rpartition(":")[0]),
            insecure=push.insecure,
            with_ca=bool(push.ca),
            with_git_credentials=git is not None,
            timeout=int(timeout),
            settings=BuildSettings(
                settings.build_namespace,
                settings.buildkit_image,
                settings.kpack_builder_image,
                settings.build_limits,
            ),
        )
        secrets = BuildSecrets(
            git_username=git.username if git else "",
            git_password=git.password if git else "",
            docker_config=push.docker_config,
            ca=push.ca,
            values=(*push.values, *(git.secrets if git else ())),
        )
        return order, secrets

    async def secret_values(self, project: Project) -> tuple[str, ...]:
        """Return what must not show of what a build of the Project knows.

        Raises:
            AdapterError: That isn't known.
        """
        git = await repository_credentials(self.cluster, project)
        values = await self.pushes.values(self._registry(project))
        return (*values, *(git.secrets if git else ()))

    def _registry(self, project: Project) -> Registry:
        found = self.offers.registry(project.spec.registry.name if project.spec.registry else "")
        if isinstance(found, Blocked):
            raise Stalled(found.reason, found.message)
        return found
