"""Knows with what images are pulled from Registries: read once for all that want it."""

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.controllers.registries.access import RegistryAccess
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry

LOOK_AGAIN: Final = 25.0
"""Seconds after which to look at the credentials of a Registry again: they are rotated."""
_FRESH: Final = 20.0
"""Seconds for which what was read counts, for all that want it."""

_Key = tuple[str, int]


class PullCredentials:
    """Reads `pullAuth` of Registries. What was read is kept for no longer than it counts."""

    def __init__(self, access: RegistryAccess) -> None:
        """Take the means to read it."""
        self._access = access
        self._read: dict[_Key, Credentials] = {}
        self._locks: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    async def of(self, registry: Registry) -> Credentials:
        """Return who pulls from the Registry.

        Raises:
            Stalled: Nobody does, or the Secret is missing or lacks its keys.
            Waiting: The API server or the cloud can't be reached.
        """
        key = (registry.metadata.uid, registry.metadata.generation)
        # One reads, and whoever wants the same meanwhile has it from that.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key not in self._read:
                # What a cloud gives the operator itself is good for more than to pull.
                is_given = registry.spec.pull_auth is not None
                credentials = (await self._access.pull(registry)).credentials if is_given else None
                if credentials is None:
                    raise Stalled(
                        Reason.SECRET_NOT_FOUND,
                        f"Registry {registry.metadata.name} has no spec.pullAuth, of which its pull"
                        " Secrets are made; name a Secret there with credentials that may pull",
                    )
                self._read[key] = credentials
                asyncio.get_running_loop().call_later(_FRESH, self._read.pop, key, None)
            return self._read[key]
