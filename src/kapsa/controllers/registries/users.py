"""Who runs images of a Registry, and whether they may."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from pydantic import ValidationError

from kapsa.controllers.environments.believed import project_of
from kapsa.controllers.indexes import NAMESPACE, REFERENCE
from kapsa.controllers.offers import Offers
from kapsa.controllers.reconciling.cache import Key, Manifest, key_of
from kapsa.controllers.state import State, parse, parse_all
from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import what_holds
from kapsa.core.images.pull_secrets import pull_secret_name
from kapsa.core.images.repositories import Tenant, image_problem, tenant_of
from kapsa.core.offers import is_for_all
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.registry import Registry

_FRESH: Final = 20.0
"""Seconds for which the labels of a namespace count, for all Environments in it."""


class Use(Enum):
    """What becomes of the pull Secret of a Registry in a namespace."""

    NONE = "nobody names the Registry, or nobody who does may use it"
    KEPT = "it stays as it is: who names the Registry is suspended, say"
    WANTED = "an image of the Registry runs, or is to run"


@dataclass(frozen=True)
class RegistryUsers:
    """Knows the Environments that name Registries.

    Attributes:
        state: The caches.
        offers: Finds Registries.
    """

    state: State
    offers: Offers
    _refusals: dict[tuple[str, str], Blocked | None] = field(default_factory=dict)

    def registry(self, name: str) -> Registry | Blocked:
        """Return the Registry of that name, or why it can't be used."""
        return self.offers.registry(name)

    def secret_name(self, registry: Registry) -> str:
        """Return the name of the Registry's pull Secret, in each namespace; nothing for none."""
        return pull_secret_of(self.state, registry.metadata.name)

    def of(self, registry: str) -> Iterator[Manifest]:
        """Yield all Environments that name a Registry."""
        return iter(self.state.environments.find(REFERENCE, f"registry/{registry}"))

    def within(self, namespace: str, registry: str) -> list[Manifest]:
        """Return the Environments of a namespace that name a Registry."""
        return [
            manifest
            for manifest in self.state.environments.find(NAMESPACE, namespace)
            if registry_name(manifest) == registry
        ]

    def keys(self, registry: str) -> set[Key]:
        """Return the namespaces in which a Registry is named, each with its name."""
        return {(key_of(manifest)[0], registry) for manifest in self.of(registry)}

    async def use(self, namespace: str, registry: Registry) -> Use:
        """Return what becomes of the Registry's pull Secret in a namespace.

        Raises:
            Stalled: A namespace may not be read.
            Waiting: The API server can't be reached.
        """
        use = Use.NONE
        for manifest in self.within(namespace, registry.metadata.name):
            environment = parse(Environment, manifest)
            if isinstance(environment, ValidationError):
                use = Use.KEPT
                continue
            project, trust = project_of(self.state, environment)
            if await self._may_not(registry, tenant_of(environment, project)):
                continue
            held = what_holds(environment, project, trust)
            if held is None and image_problem(environment, project, registry) is None:
                return Use.WANTED
            use = Use.KEPT
        return use

    async def refusal(
        self, environment: Environment, project: Project | None, registry: Registry
    ) -> Blocked | None:
        """Return why the Environment may not run its image from the Registry; None where it may.

        Raises:
            Stalled: Its namespace may not be read.
            Waiting: The API server can't be reached.
        """
        refused = await self._may_not(registry, tenant_of(environment, project))
        return refused or image_problem(environment, project, registry)

    def forget(self) -> None:
        """Look at the labels of namespaces anew: a Registry has changed."""
        self._refusals.clear()

    async def _may_not(self, registry: Registry, tenant: Tenant) -> Blocked | None:
        if is_for_all(registry):
            return None
        key = (registry.metadata.name, tenant.namespace)
        if key not in self._refusals:
            self._refusals[key] = await self.offers.refusal(registry, tenant.namespace)
            asyncio.get_running_loop().call_later(_FRESH, self._refusals.pop, key, None)
        return self._refusals[key]


def pull_secret_of(state: State, registry: str) -> str:
    """Return the name of a Registry's pull Secret, in each namespace; nothing for none."""
    live = state.registries.get("", registry) if registry else None
    parsed = parse(Registry, live) if live else None
    if not isinstance(parsed, Registry):
        return ""
    return pull_secret_name(parsed, parse_all(Registry, state.registries))


def registry_name(manifest: Manifest) -> str:
    """Return the name of the Registry that a live Environment names; nothing for none."""
    return str(((manifest.get("spec") or {}).get("registry") or {}).get("name") or "")
