"""Who Kapsa is to a registry: for looking up and pulling, and for pushing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.adapters.registry import Access
from kapsa.adapters.tls import authorities_in
from kapsa.controllers.secrets import read_secret
from kapsa.core.images.verdict import CLOUDS, push_refusal
from kapsa.core.registry import robot_name
from kapsa.models.registry import Registry, RegistryCredentials


class Cloud(Protocol):
    """Gives passwords to whom a cloud knows; see `kapsa.adapters.clouds`."""

    async def credentials(self, endpoint: str, good_for: float = 0.0) -> Credentials:
        """Return credentials for a registry that are good for some minutes at least.

        They are good for `good_for` seconds, as far as the cloud gives any for so long.
        """


@dataclass(frozen=True)
class RegistryAccess:
    """Reads the Secrets of Registries; each time anew, since they are rotated.

    Attributes:
        cluster: The API.
        namespace: The operator's namespace, where those Secrets are.
        clouds: Who gives passwords for Registries without Secrets, by `spec.type`.
    """

    cluster: Cluster
    namespace: str
    clouds: Mapping[str, Cloud]

    async def pull(self, registry: Registry) -> Access:
        """Return how images are looked up and pulled.

        Raises:
            Stalled: A Secret is missing or lacks its keys, or the cloud knows nobody.
            Waiting: The API server or the cloud can't be reached.
        """
        return await self._access(registry, "pullAuth", registry.spec.pull_auth)

    async def push(self, registry: Registry, good_for: float = 0.0) -> Access:
        """Return how images are pushed.

        Args:
            registry: The Registry.
            good_for: Seconds until the last push. What a cloud gives ends by itself; it is good for
                so long as far as the cloud gives any that is.

        Raises:
            Stalled: As for `pull`; or nobody may push.
            Waiting: The API server or the cloud can't be reached.
        """
        refusal = push_refusal(registry)
        if refusal is not None:
            raise Stalled(refusal.reason, refusal.message)
        return await self._access(registry, "auth", registry.spec.auth, good_for)

    async def _access(
        self,
        registry: Registry,
        name: str,
        given: RegistryCredentials | None,
        good_for: float = 0.0,
    ) -> Access:
        spec = registry.spec
        credentials = None
        if given is not None:
            where = f"Registry {registry.metadata.name}: spec.{name}.secretRef"
            secret = await read_secret(self.cluster, given.secret_ref.name, self.namespace, where)
            credentials = Credentials.for_registry(
                secret, spec.endpoint, where, token_user=robot_name(registry)
            )
        elif spec.type in CLOUDS:
            credentials = await self.clouds[spec.type].credentials(spec.endpoint, good_for)
        return Access(credentials, spec.insecure, await self._authorities(registry))

    async def _authorities(self, registry: Registry) -> str:
        named = registry.spec.ca_secret_ref
        if named is None:
            return ""
        where = f"Registry {registry.metadata.name}: spec.caSecretRef"
        return authorities_in(
            await read_secret(self.cluster, named.name, self.namespace, where), where
        )
