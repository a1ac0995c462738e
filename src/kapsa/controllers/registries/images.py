"""Looks up images: from the tag that a commit's image has to the digest that will run."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.adapters.registry import ANONYMOUS, Access
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.registries.access import RegistryAccess
from kapsa.controllers.registries.hangs import Hangs
from kapsa.controllers.registries.tag_looks import Key, TagLooks
from kapsa.core.conditions import Blocked
from kapsa.core.projects.tag_looks import LookRates
from kapsa.core.registry import registry_mismatch
from kapsa.metrics import IMAGE_LOOKUPS
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from kapsa.utils.durations import format_duration
from kapsa.utils.image_reference import parse_reference

EnvironmentKey = tuple[str, str]

log = structlog.get_logger(__name__)


class Resolver(Protocol):
    """Resolves tags; see `kapsa.adapters.registry.RegistryClient`."""

    async def resolve(self, reference: str, access: Access = ANONYMOUS) -> str | None:
        """Return the reference by digest; None where there is no such image."""


class Images:
    """Looks up images, and remembers for each Environment why it has none.

    What was asked in vain is asked again ever more seldom. A registry that hangs keeps only one
    waiting at a time.
    """

    def __init__(
        self,
        access: RegistryAccess,
        resolver: Resolver,
        *,
        rates: LookRates,
        on_change: Callable[[EnvironmentKey], None],
    ) -> None:
        """Take the means to look up images.

        Args:
            access: Knows who Kapsa is to registries.
            resolver: Asks registries.
            rates: How often to look for an image that isn't there.
            on_change: Told when the reason why an Environment has no image is another.
        """
        self._access = access
        self._resolver = resolver
        self._rates = rates
        self._on_change = on_change
        self._looks = TagLooks(rates)
        self._hangs = Hangs()
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

    async def resolve(
        self,
        reference: str,
        registry: Registry | None,
        *,
        project: str = "",
        commit: str = "",
        good_for: float = 0.0,
    ) -> str | Blocked:
        """Return the image of a tag by its digest, or why there is none.

        Args:
            reference: The tag.
            registry: Who knows credentials for it; None for nobody.
            project: UID of the Project for which it is looked up.
            commit: The commit that it is looked up for: another one is looked up at once.
            good_for: Seconds for which what was found is believed without another look.
        """
        key = Key(reference, _name(registry), commit, project)
        now = asyncio.get_running_loop().time()
        known = self._looks.answer(key, now)
        if known is not None:
            return known
        found = await self._look(reference, registry)
        now = asyncio.get_running_loop().time()
        return self._looks.note(key, now, found, good_for)

    def next_look(
        self, reference: str, registry: Registry | None, *, project: str = "", commit: str = ""
    ) -> float:
        """Return the seconds until a tag is due to be looked up again; see `resolve`."""
        now = asyncio.get_running_loop().time()
        return self._looks.next_in(Key(reference, _name(registry), commit, project), now)

    async def _look(self, reference: str, registry: Registry | None) -> str | Blocked:
        try:
            image = await self._ask(reference, registry)
        except AdapterError as error:
            IMAGE_LOOKUPS.labels(result="failed").inc()
            return interpret(error).blocked
        IMAGE_LOOKUPS.labels(result="found" if image else "missing").inc()
        return image or Blocked(
            Reason.IMAGE_NOT_FOUND,
            f"image {reference} does not exist yet; push it, and it will be found within"
            f" {format_duration(round(self._rates.longest))}",
        )

    async def _ask(self, reference: str, registry: Registry | None) -> str | None:
        if registry is not None:
            mismatch = registry_mismatch(reference, registry)
            if mismatch is not None:
                raise Stalled(mismatch.reason, mismatch.message)
        with self._hangs.watch(_name(registry), _host(reference)):
            access = await self._access.pull(registry) if registry else ANONYMOUS
            return await self._resolver.resolve(reference, access)

    def look_again(self, registry: str = "") -> None:
        """Look up anew what is looked up at a Registry, since that or its Secret has changed.

        Without a name it is everything that is looked up.
        """
        self._looks.forget(lambda key: registry in {"", key.registry})
        self._hangs.forget(registry)

    def look_again_for(self, project: str) -> None:
        """Look up anew what is looked up for the Project of that UID: a person asks for it."""
        self._looks.forget(lambda key: key.project == project)


def _name(registry: Registry | None) -> str:
    return registry.metadata.name if registry else ""


def _host(reference: str) -> str:
    try:
        return parse_reference(reference).host
    except ValueError:
        # Who resolves it says what is wrong.
        return ""


def _said(obstacle: Blocked | None) -> Blocked | None:
    """Return the obstacle as people read it, whenever it is looked at again."""
    return replace(obstacle, retry_after=None) if obstacle else None
