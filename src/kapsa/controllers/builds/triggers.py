"""Which key a change of a build puts into which queue."""

from collections.abc import Callable
from dataclasses import dataclass

from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.controllers.indexes import UID
from kapsa.controllers.reconciling.cache import Key, Manifest, key_of
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.state import State
from kapsa.controllers.triggers import keeps_the_same, while_active
from kapsa.core import labels


@dataclass(frozen=True)
class BuildTriggers:
    """Listens to the caches and fills the queues.

    Attributes:
        state: The caches.
        projects: Queue of Projects.
        builds: Queue of builds.
        is_active: Tells whether the queues are being worked off.
    """

    state: State
    projects: Queue[Key]
    builds: Queue[str]
    is_active: Callable[[], bool] = lambda: True

    def subscribe(self) -> None:
        """Begin to listen."""
        state = self.state
        for cache in (state.jobs, state.pods, state.secrets, *state.kpack):
            cache.subscribe(while_active(self.is_active, self._part))
        state.projects.subscribe(while_active(self.is_active, self._project))

    def _part(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = after or before or {"metadata": {}}
        own = manifest["metadata"].get("labels") or {}
        if labels.BUILD not in own or keeps_the_same(before, after):
            return
        self.builds.add(THE_QUEUE)
        for project in self.state.projects.find(UID, own.get(labels.OWNER_UID, "")):
            self.projects.add(key_of(project))

    def _project(self, _: Manifest | None, after: Manifest | None) -> None:
        if after is None:
            self.builds.add(THE_QUEUE)
