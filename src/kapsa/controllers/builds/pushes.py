"""Gives builds the credentials to push: as narrow as the registry can make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kapsa.adapters.registry import Access
from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.core.images.docker_config import docker_config, docker_config_with_token
from kapsa.models.registry import Registry
from kapsa.utils.image_reference import parse_reference

_ACTIONS: Final = ("pull", "push")


@dataclass(frozen=True, repr=False)
class Push:
    """How an image is pushed.

    Attributes:
        docker_config: A `config.json` with the credential.
        insecure: Whether the registry speaks plain http.
        ca: Certificates (PEM) that it is known by; nothing for the public ones.
        values: What must not show.
    """

    docker_config: str
    insecure: bool
    ca: str
    values: tuple[str, ...]


class Accesses(Protocol):
    """Knows how registries are reached; see `kapsa.controllers.registries.access`."""

    async def push(self, registry: Registry, good_for: float = 0.0) -> Access:
        """Return how images are pushed to a registry, the last one after `good_for` seconds."""


class Tokens(Protocol):
    """Asks registries for tokens; see `kapsa.adapters.registry.RegistryClient`."""

    async def scoped_token(
        self, repository: str, actions: Sequence[str], access: Access
    ) -> ScopedToken | None:
        """Return a token for one repository; None where the registry has no tokens."""


@dataclass(frozen=True)
class Pushes:
    """Gives credentials.

    Attributes:
        accesses: Knows the credentials of Registries.
        tokens: Asks registries for narrower ones.
    """

    accesses: Accesses
    tokens: Tokens

    async def to(
        self, registry: Registry, image: str, seconds: float, *, narrowed: bool = True
    ) -> Push:
        """Return how `image` can be pushed for `seconds`.

        A registry with tokens gives one for this repository alone, if `narrowed`. Where that
        doesn't live as long as the build may take, it is of no use, and the build gets the
        Registry's credentials. Those that a cloud gives are renewed before, where they would end
        too soon.

        Raises:
            AdapterError: There is no way.
        """
        access = await self.accesses.push(registry, seconds)
        credentials = access.credentials
        endpoint = registry.spec.endpoint
        repository = parse_reference(image).repository
        token = None
        if narrowed:
            token = await self.tokens.scoped_token(repository, _ACTIONS, access)
        values = credentials.secrets if credentials else ()
        if token is not None and token.expires_in >= seconds:
            config, values = docker_config_with_token(endpoint, token.value), (token.value,)
        elif credentials is not None:
            config = docker_config(endpoint, credentials.username, credentials.password)
        else:
            config = "{}"
        return Push(config, access.insecure, access.ca, values)

    async def values(self, registry: Registry) -> tuple[str, ...]:
        """Return what must not show of the Registry's credentials to push.

        Raises:
            AdapterError: That isn't known.
        """
        credentials = (await self.accesses.push(registry)).credentials
        return credentials.secrets if credentials else ()
