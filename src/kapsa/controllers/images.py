"""Looks up images: from the tag that a commit's image has to the digest that will run."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.controllers.outcome import interpret
from kapsa.controllers.secrets import read_secret
from kapsa.core.conditions import Blocked
from kapsa.core.registry import registry_mismatch
from kapsa.metrics import IMAGE_LOOKUPS
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry

EnvironmentKey = tuple[str, str]

_MOST_IN_VAIN = 1000
"""Questions asked in vain at which those whose time has come are forgotten."""

log = structlog.get_logger(__name__)


class Resolver(Protocol):
    """Resolves tags; see `kapsa.adapters.registry.RegistryClient`."""

    async def resolve(
        self, reference: str, *, credentials: Credentials | None, insecure: bool
    ) -> str | None:
        """Return the reference by digest; None where there is no such image."""


class Images:
    """Looks up images, and remembers for each Environment why it has none.

    What was asked in vain is asked again only after `retry_interval` seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        resolver: Resolver,
        *,
        namespace: str,
        retry_interval: float,
        longest_retry: float = 60.0,
        on_change: Callable[[EnvironmentKey], None],
    ) -> None:
        """Take the means to look up images.

        Args:
            cluster: The API, for the Secrets of Registries.
            resolver: Asks registries.
            namespace: The operator's namespace, where those Secrets are.
            retry_interval: Seconds between two looks for an image that isn't there.
            longest_retry: Most seconds until the next look where a person must change something:
                the Secrets of Registries, which would tell, aren't watched.
            on_change: Told when the reason why an Environment has no image is another.
        """
        self._cluster = cluster
        self._resolver = resolver
        self._namespace = namespace
        self._retry_interval = retry_interval
        self._longest_retry = longest_retry
        self._on_change = on_change
        self._in_vain: dict[tuple[str, str], tuple[float, Blocked]] = {}
        self._obstacles: dict[EnvironmentKey, Blocked] = {}

    def obstacle(self, environment: EnvironmentKey) -> Blocked | None:
        """Return why the Environment has no image; None where that isn't known, or it has one."""
        return self._obstacles.get(environment)

    def note(self, environment: EnvironmentKey, obstacle: Blocked | None) -> None:
        """Remember why an Environment has no image; None where it has one, or is gone."""
        before = self._obstacles.get(environment)
        if obstacle is None:
            self._obstacles.pop(environment, None)
        else:
            self._obstacles[environment] = obstacle
        if _said(before) != _said(obstacle):
            self._on_change(environment)

    async def resolve(self, reference: str, registry: Registry | None) -> str | Blocked:
        """Return the image of a tag by its digest, or why there is none."""
        key = (reference, registry.metadata.name if registry else "")
        now = asyncio.get_running_loop().time()
        again_at, obstacle = self._in_vain.get(key, (now, None))
        if obstacle is not None and now < again_at:
            # What is left of the wait, or every look in between would put the next one off.
            return replace(obstacle, retry_after=again_at - now)
        try:
            image = await self._ask(reference, registry)
        except AdapterError as error:
            obstacle = interpret(error).blocked
            IMAGE_LOOKUPS.labels(result="failed").inc()
        else:
            if image is not None:
                self._in_vain.pop(key, None)
                IMAGE_LOOKUPS.labels(result="found").inc()
                return image
            obstacle = Blocked(
                Reason.IMAGE_NOT_FOUND,
                f"image {reference} does not exist yet; push it, and it will be found within"
                f" {self._retry_interval:.0f} s",
            )
            IMAGE_LOOKUPS.labels(result="missing").inc()
        retry = obstacle.retry_after or 0.0
        if obstacle.stalled:
            retry = min(retry, self._longest_retry)
        retry = max(self._retry_interval, retry)
        obstacle = replace(obstacle, retry_after=retry)
        if len(self._in_vain) >= _MOST_IN_VAIN:
            # Of commits that nobody asks for any more.
            self._in_vain = {key: held for key, held in self._in_vain.items() if now < held[0]}
        self._in_vain[key] = (now + retry, obstacle)
        return obstacle

    async def _ask(self, reference: str, registry: Registry | None) -> str | None:
        if registry is None:
            return await self._resolver.resolve(reference, credentials=None, insecure=False)
        mismatch = registry_mismatch(reference, registry)
        if mismatch is not None:
            raise Stalled(mismatch.reason, mismatch.message)
        return await self._resolver.resolve(
            reference,
            credentials=await self.credentials_of(registry),
            insecure=registry.spec.insecure,
        )

    async def credentials_of(self, registry: Registry) -> Credentials | None:
        """Return who Kapsa is to a registry; None for nobody.

        Raises:
            Stalled: The Secret is missing or lacks its keys.
            Waiting: The API server can't be reached.
        """
        if registry.spec.pull_auth is None:
            return None
        wanted_by = f"Registry {registry.metadata.name}: spec.pullAuth.secretRef"
        name = registry.spec.pull_auth.secret_ref.name
        secret = await read_secret(self._cluster, name, self._namespace, wanted_by)
        return Credentials.for_registry(secret, registry.spec.endpoint, wanted_by)

    def forget_failures(self) -> None:
        """Ask again at once for all that was asked in vain: a Registry or Secret has changed."""
        self._in_vain.clear()


def _said(obstacle: Blocked | None) -> Blocked | None:
    """Return the obstacle as people read it, whenever it is looked at again."""
    return replace(obstacle, retry_after=None) if obstacle else None
