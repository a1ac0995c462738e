"""Reads the ConfigMaps and Secrets that Environments name: by name, and each once for many."""

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import CONFIG_MAPS, SECRETS, ResourceType
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.core.conditions import Blocked
from kapsa.core.workloads.configuration import (
    Configuration,
    Source,
    SourceKind,
    configuration_of,
    references_of,
    source_namespace,
    source_of,
)
from kapsa.core.workloads.configuration_rules import configuration_obstacle
from kapsa.models.environment import Environment

LOOK_AGAIN: Final = 25.0
"""Seconds after which an Environment that names anything looks at it again. With `_FRESH` it sees
each change within 45 s."""
_FRESH: Final = 20.0
"""Seconds for which what was read counts, for all that name it."""
_FRESH_ABSENCE: Final = 5.0
"""The same for what there wasn't: whoever waits for it shall not wait long."""

_RESOURCES: Final[dict[SourceKind, ResourceType]] = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}

_Key = tuple[SourceKind, str, str]


class Sources:
    """Knows what ConfigMaps and Secrets hold. Each is kept for no longer than it counts."""

    def __init__(self, cluster: Cluster) -> None:
        """Take the API."""
        self._cluster = cluster
        self._read: dict[_Key, Source | None] = {}
        self._locks: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    async def see_to(self, environment: Environment) -> Configuration | Blocked | None:
        """Return what the Environment gets, why it can't, or None where it names nothing."""
        namespace = source_namespace(environment)
        try:
            found = {
                reference: await self._get((reference.kind, namespace, reference.name))
                for reference in references_of(environment)
            }
        except AdapterError as error:
            return interpret(error).blocked
        obstacle = configuration_obstacle(environment, found)
        if obstacle is not None:
            return obstacle
        present = {reference: source for reference, source in found.items() if source is not None}
        return configuration_of(environment, present)

    async def _get(self, key: _Key) -> Source | None:
        # One reads, and whoever wants the same meanwhile has it from that.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key in self._read:
                return self._read[key]
            kind, namespace, name = key
            manifest = await self._cluster.get(_RESOURCES[kind], name, namespace)
            source = source_of(manifest) if manifest else None
            self._read[key] = source
            asyncio.get_running_loop().call_later(
                _FRESH if source else _FRESH_ABSENCE, self._read.pop, key, None
            )
            return source
