"""Remembers what builds were told that must not show, until nobody asks any more why they ended."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.resources import SECRETS
from kapsa.controllers.indexes import NAMESPACE
from kapsa.controllers.reconciling.cache import key_of
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.builds.hidden import hidden_in

_MOST_BUILDS: Final = 1000
_MOST_VALUES: Final = 32
"""Of one build. A token that was asked for in vain is forgotten at last."""


@dataclass(frozen=True, repr=False)
class HiddenValues:
    """Knows the values by the names of builds, in memory only.

    A credential that is rotated while a build runs, and a token that was made for it alone, are
    found nowhere else once the build has ended. After a restart of the operator they are read from
    the build's Secrets, as long as those are there.

    Attributes:
        cluster: The API.
        state: The caches; they have no content of Secrets.
        namespace: Where builds are.
    """

    cluster: Cluster
    state: State
    namespace: str
    _values: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def keep(self, build: str, values: Iterable[str]) -> None:
        """Remember what a build is told, beside what it was told before."""
        before = self._values.pop(build, ())
        if len(self._values) >= _MOST_BUILDS:
            del self._values[next(iter(self._values))]
        self._values[build] = tuple(dict.fromkeys((*values, *before)))[:_MOST_VALUES]

    def keep_only(self, builds: Collection[str]) -> None:
        """Forget the values of all other builds."""
        for build in self._values.keys() - set(builds):
            del self._values[build]

    async def of(self, build: str) -> tuple[str, ...] | None:
        """Return what a build was told; None where that is not known any more.

        Raises:
            AdapterError: The build's Secrets can't be read.
        """
        if build not in self._values:
            names = self._secrets_of(build)
            read = [await self.cluster.get(SECRETS, name, self.namespace) for name in names]
            # One that is gone meanwhile was read before by whoever has deleted it.
            for secret in filter(None, read):
                self.keep(build, hidden_in(secret))
        return self._values.get(build)

    def _secrets_of(self, build: str) -> list[str]:
        return [
            key_of(manifest)[1]
            for manifest in self.state.secrets.find(NAMESPACE, self.namespace)
            if (manifest["metadata"].get("labels") or {}).get(labels.BUILD) == build
        ]
