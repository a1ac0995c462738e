"""Reconciles a Registry: asks it whether the credentials are good, and says so."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.cache import Key
from kapsa.controllers.images import Images
from kapsa.controllers.outcome import interpret
from kapsa.controllers.report import Reporter
from kapsa.controllers.state import State, parse
from kapsa.core.conditions import Blocked
from kapsa.core.registry import registry_status
from kapsa.models.registry import Registry
from kapsa.utils.times import to_rfc3339

VERIFY_INTERVAL = 600.0
"""Seconds between two looks at a registry that works."""


class Pinger(Protocol):
    """Tries credentials; see `kapsa.adapters.registry.RegistryClient`."""

    async def ping(self, endpoint: str, *, credentials: Credentials | None, insecure: bool) -> None:
        """Return where the registry takes the credentials."""


@dataclass(frozen=True)
class RegistryController:
    """Brings the status of Registries in order.

    Attributes:
        reporter: Writes statuses.
        state: The caches.
        images: Knows the credentials.
        pinger: Asks the registry.
        clock: The API server's time.
        retry_interval: Seconds between two looks at one that can't be used.
    """

    reporter: Reporter
    state: State
    images: Images
    pinger: Pinger
    clock: ServerClock
    retry_interval: float = 60.0

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Registry in order; return the seconds after which to look again."""
        live = self.state.registries.get(*key)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return None
        now = to_rfc3339(self.clock.now())
        registry = parse(Registry, live)
        if isinstance(registry, ValidationError):
            await self.reporter.report_invalid(self.state.registries, live, registry, now)
            return None
        problem = await self._problem(registry)
        await self.reporter.report(
            self.state.registries,
            live,
            new=registry_status(registry, problem, now),
            previous=registry.status,
        )
        return self.retry_interval if problem else VERIFY_INTERVAL

    async def _problem(self, registry: Registry) -> Blocked | None:
        try:
            await self.pinger.ping(
                registry.spec.endpoint,
                credentials=await self.images.credentials_of(registry),
                insecure=registry.spec.insecure,
            )
        except AdapterError as error:
            return interpret(error).blocked
        return None
