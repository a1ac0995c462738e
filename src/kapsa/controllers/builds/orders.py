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
from kapsa.core.builds.wants import Want, is_up_to_date
from kapsa.core.conditions import Blocked
from kapsa.core.images.repositories import build_repository
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

    def registry(self, project: Project, want: Want) -> Registry | None:
        """Return where a wanted build is pushed; None where the Project wants another by now.

        What is built by other words would be taken for what the tag says, and the credential of
        one Registry is none for the host of another.
        """
        found = self._found(project)
        repository = build_repository(project, found)
        if isinstance(found, Blocked) or not is_up_to_date(want, repository, project.spec.build):
            return None
        return found

    async def order(
        self, project: Project, want: Want, registry: Registry
    ) -> tuple[BuildOrder, BuildSecrets]:
        """Return a build with all that it needs to know.

        Args:
            project: Whose build it is.
            want: What it wants.
            registry: What `registry` has returned for the same Project.

        Raises:
            AdapterError: Something of that is not there, or not for the Project's namespace.
        """
        settings, spec = self.settings, project.spec
        timeout = parse_duration(spec.build.timeout)
        refusal = await self.offers.refusal(registry, project.metadata.namespace)
        if refusal is not None:
            raise Stalled(refusal.reason, refusal.message)
        git = await repository_credentials(self.cluster, project)
        # kpack passes a token on in a form that its own programs refuse to read.
        narrowed = spec.build.strategy == "dockerfile"
        push = await self.pushes.to(registry, want.image, timeout, narrowed=narrowed)
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
        """Return what must not show of what a build of the Project would be told now.

        Raises:
            AdapterError: That isn't known.
        """
        git = await repository_credentials(self.cluster, project)
        registry = self._found(project)
        if isinstance(registry, Blocked):
            raise Stalled(registry.reason, registry.message)
        values = await self.pushes.values(registry)
        return (*values, *(git.secrets if git else ()))

    def _found(self, project: Project) -> Registry | Blocked:
        named = project.spec.registry
        return self.offers.registry(named.name if named else "")
