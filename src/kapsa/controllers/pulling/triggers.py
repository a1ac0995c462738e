"""Which key a change of a Registry, or of what uses it, puts into which queue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kapsa.controllers.indexes import NAMESPACE, REFERENCE
from kapsa.controllers.pulling.secrets import PullSecrets, registry_of
from kapsa.controllers.reconciling.cache import Key, Manifest, key_of
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.registries.users import registry_name
from kapsa.controllers.state import State
from kapsa.controllers.triggers import keeps_the_same, while_active

_GATHER: Final = 1.0
"""Seconds for which the ends of Environments are gathered before their namespace is looked at."""


@dataclass(frozen=True)
class PullTriggers:
    """Listens to the caches and fills the queues.

    Attributes:
        state: The caches.
        projects: Queue of Projects.
        environments: Queue of Environments.
        secrets: Sees to pull Secrets.
        is_active: Tells whether the queues are being worked off.
    """

    state: State
    projects: Queue[Key]
    environments: Queue[Key]
    secrets: PullSecrets
    is_active: Callable[[], bool] = lambda: True

    def subscribe(self) -> None:
        """Begin to listen."""
        for cache, listener in (
            (self.state.registries, self._registry),
            (self.state.environments, self._environment),
            (self.state.secrets, self._secret),
            (self.state.service_accounts, self._service_account),
        ):
            cache.subscribe(while_active(self.is_active, listener))

    def _registry(self, before: Manifest | None, after: Manifest | None) -> None:
        if before and after and _told(before) == _told(after):
            return
        self.secrets.users.forget()
        wanted = {_secret_name(manifest) for manifest in (before, after) if manifest}
        # Which of several that want one name for their Secrets has it depends on all of them.
        rivals = {
            registry["metadata"]["name"]
            for registry in (*self.state.registries, before or {}, after or {})
            if registry and _secret_name(registry) in wanted
        }
        for name in rivals:
            self.secrets.look_at_registry(name)
            for cache, queue in (
                (self.state.projects, self.projects),
                (self.state.environments, self.environments),
            ):
                for manifest in cache.find(REFERENCE, f"registry/{name}"):
                    queue.add(key_of(manifest))

    def _environment(self, before: Manifest | None, after: Manifest | None) -> None:
        """Listen to nothing but who gives a Registry up: who names one asks for its Secret."""
        if before is None:
            return
        former = registry_name(before)
        if former and (after is None or registry_name(after) != former):
            self.secrets.queue.add((key_of(before)[0], former), _GATHER)

    def _secret(self, before: Manifest | None, after: Manifest | None) -> None:
        if keeps_the_same(before, after):
            return
        for manifest in filter(None, (before, after)):
            self.secrets.look_at(manifest)
            if (before is None) != (after is None):
                name = registry_of(manifest)
                for environment in self.secrets.users.within(key_of(manifest)[0], name):
                    self.environments.add(key_of(environment))

    def _service_account(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = after or before
        if manifest is None or _pull_secrets(before) == _pull_secrets(after):
            return
        for environment in self.state.environments.find(NAMESPACE, key_of(manifest)[0]):
            if registry_name(environment):
                self.environments.add(key_of(environment))


def _told(registry: Manifest) -> tuple[object, object]:
    """Return what only people change of a Registry."""
    return registry["metadata"].get("uid"), registry.get("spec")


def _secret_name(registry: Manifest) -> object:
    return ((registry.get("spec") or {}).get("imagePullSecret") or {}).get("name")


def _pull_secrets(service_account: Manifest | None) -> object:
    return (service_account or {}).get("imagePullSecrets") or []
