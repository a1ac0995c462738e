"""Which key a change puts into which queue."""

from collections.abc import Callable
from dataclasses import dataclass

from kapsa.controllers.cache import Cache, Key, Listener, Manifest, key_of, uid_of
from kapsa.controllers.images import Images
from kapsa.controllers.queue import Queue
from kapsa.controllers.state import REFERENCE, UID, State
from kapsa.controllers.sweep import Sweeper
from kapsa.core import labels

_GATHER = 0.3
"""Seconds for which changes of Environments are gathered before their Project is looked at."""
_GATHER_COUNTS = 1.0
"""The same for claims and their pool."""


@dataclass(frozen=True)
class Triggers:
    """Listens to the caches and fills the queues.

    Attributes:
        state: The caches.
        projects: Queue of Projects.
        environments: Queue of Environments.
        domain_pools: Queue of DomainPools.
        registries: Queue of Registries.
        sweeper: Looks at what deleted objects leave.
        images: Forgets what was asked of a Registry in vain.
        is_active: Tells whether the queues are being worked off. Until then nothing is put into
            them, or a standby's would grow with every object that comes and goes.
    """

    state: State
    projects: Queue[Key]
    environments: Queue[Key]
    domain_pools: Queue[Key]
    registries: Queue[Key]
    sweeper: Sweeper
    images: Images
    is_active: Callable[[], bool] = lambda: True

    def subscribe(self) -> None:
        """Begin to listen."""
        state = self.state
        for cache, listener in (
            (state.projects, self._project),
            (state.environments, self._environment),
            (state.domain_pools, self._domain_pool),
            (state.registries, self._registry),
            (state.namespaces, self._namespace),
            (state.claims, self._claim),
            *((children, self._child) for children in state.children),
        ):
            cache.subscribe(self._while_active(listener))

    def _while_active(self, listener: Listener) -> Listener:
        def listen(before: Manifest | None, after: Manifest | None) -> None:
            if self.is_active():
                listener(before, after)

        return listen

    def everything(self) -> None:
        """Look at everything: the operator has just become the active one."""
        for cache, queue in (
            (self.state.projects, self.projects),
            (self.state.environments, self.environments),
            (self.state.domain_pools, self.domain_pools),
            (self.state.registries, self.registries),
        ):
            _add_all(queue, cache)
        self.sweeper.look_at_all()

    def _project(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        if _says_the_same(before, after):
            return
        self.projects.add(key_of(manifest))
        if after is None or _spec(before) != _spec(after):
            for environment in self.state.environments.find("project", uid_of(manifest)):
                self.environments.add(key_of(environment))
        if after is None:
            self.projects.forget(key_of(manifest))
            self.sweeper.look_at_owned_by(uid_of(manifest))

    def _environment(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        if not _says_the_same(before, after):
            self.environments.add(key_of(manifest))
        if after is None:
            self.environments.forget(key_of(manifest))
            self.sweeper.look_at_owned_by(uid_of(manifest))
        reference = (manifest.get("spec") or {}).get("projectRef") or {}
        uid = str(reference.get("uid", ""))
        for project in self.state.projects.find(UID, uid):
            self.projects.add(key_of(project), _GATHER)
        if after is None and uid and not self.state.projects.find(UID, uid):
            self.sweeper.look_at_owned_by(uid)

    def _child(self, before: Manifest | None, after: Manifest | None) -> None:
        if _keeps_the_same(before, after):
            return
        for manifest in filter(None, (before, after)):
            for environment in self.state.environments.find(UID, labels.controller_uid(manifest)):
                self.environments.add(key_of(environment))

    def _domain_pool(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        if _says_the_same(before, after):
            return
        self.domain_pools.add(key_of(manifest))
        reference = f"domainpool/{manifest['metadata']['name']}"
        _add_found(self.projects, self.state.projects, reference)
        _add_found(self.environments, self.state.environments, reference)

    def _registry(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        if _says_the_same(before, after):
            return
        self.registries.add(key_of(manifest))
        self.images.forget_failures()
        _add_found(self.projects, self.state.projects, f"registry/{manifest['metadata']['name']}")

    def _namespace(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        uid = (manifest["metadata"].get("labels") or {}).get(labels.OWNER_UID, "")
        for project in self.state.projects.find(UID, uid):
            self.projects.add(key_of(project))
        if after is not None and uid and not self.state.projects.find(UID, uid):
            self.sweeper.look_at_owned_by(uid)

    def _claim(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        owner = (manifest["metadata"].get("labels") or {}).get(labels.OWNER_UID, "")
        if after is None:
            # Its holder, if it still lives, claims anew.
            for environment in self.state.environments.find(UID, owner):
                self.environments.add(key_of(environment))
            for project in self.state.projects.find(UID, owner):
                self.projects.add(key_of(project))
        elif not self.state.is_known(owner):
            self.sweeper.look_at_owned_by(owner)
        for pool in self.state.domain_pools:
            self.domain_pools.add(key_of(pool), _GATHER_COUNTS)


def _add_all(queue: Queue[Key], cache: Cache) -> None:
    for manifest in cache:
        queue.add(key_of(manifest))


def _add_found(queue: Queue[Key], cache: Cache, reference: str) -> None:
    for manifest in cache.find(REFERENCE, reference):
        queue.add(key_of(manifest))


def _either(before: Manifest | None, after: Manifest | None) -> Manifest:
    manifest = after or before
    assert manifest is not None
    return manifest


def _spec(manifest: Manifest | None) -> object:
    return (manifest or {}).get("spec")


def _says_the_same(before: Manifest | None, after: Manifest | None) -> bool:
    """Tell whether only the status changed, which is Kapsa's own doing."""
    if before is None or after is None:
        return False
    return _told(before) == _told(after)


def _keeps_the_same(before: Manifest | None, after: Manifest | None) -> bool:
    """Tell whether nothing changed that a cache keeps, but the version of the object."""
    if before is None or after is None:
        return False
    return _without_version(before) == _without_version(after)


def _without_version(manifest: Manifest) -> Manifest:
    metadata = {**manifest["metadata"], "resourceVersion": ""}
    return {**manifest, "metadata": metadata}


def _told(manifest: Manifest) -> tuple[object, ...]:
    metadata = manifest["metadata"]
    return (
        metadata.get("generation"),
        metadata.get("labels"),
        metadata.get("annotations"),
        metadata.get("ownerReferences"),
        metadata.get("deletionTimestamp"),
        manifest.get("spec"),
    )
