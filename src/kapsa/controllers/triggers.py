"""Which key a change puts into which queue."""

from collections.abc import Callable
from dataclasses import dataclass

from kapsa.controllers.indexes import HOST, NAMESPACE, REFERENCE, UID
from kapsa.controllers.reconciling.cache import Cache, Key, Listener, Manifest, key_of, uid_of
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.registries.images import Images
from kapsa.controllers.state import State
from kapsa.controllers.sweep import Sweeper
from kapsa.core import labels
from kapsa.core.hosts.routes import routed_hosts
from kapsa.core.manifests.claim import Holder
from kapsa.core.workloads.pod_trouble import trouble_of

_GATHER = 0.3
"""Seconds for which changes of Environments are gathered before their Project is looked at."""
_GATHER_STEPS = 0.2
"""The same for what an Environment became: its objects change step by step."""
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
            *((routes, self._route) for routes in (state.ingresses, state.http_routes)),
            (state.pods, self._pod),
            *((furnishings, self._furnishing) for furnishings in state.furnishings),
        ):
            cache.subscribe(while_active(self.is_active, listener))

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
        if keeps_the_same(before, after):
            return
        for manifest in filter(None, (before, after)):
            for environment in self.state.environments.find(UID, labels.controller_uid(manifest)):
                self.environments.add(key_of(environment), _GATHER_STEPS)
            retained = labels.retained_for(manifest)
            if self.state.environments.get(*retained) is not None:
                self.environments.add(retained, _GATHER_STEPS)

    def _pod(self, before: Manifest | None, after: Manifest | None) -> None:
        """Listen to nothing but what troubles a pod: the rest its Deployment and its Job say."""
        if _trouble(before) == _trouble(after):
            return
        metadata = _either(before, after)["metadata"]
        name = (metadata.get("labels") or {}).get(labels.ENVIRONMENT, "")
        key = (metadata.get("namespace", ""), name)
        if self.state.environments.get(*key) is not None:
            self.environments.add(key)

    def _route(self, before: Manifest | None, after: Manifest | None) -> None:
        for host in set(routed_hosts(before)) - set(routed_hosts(after)):
            self._host_is_free(host)

    def _host_is_free(self, host: str) -> None:
        """Look at the Environments that want a host for their own: one of them can have it now."""
        for environment in self.state.environments.find(HOST, host):
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
        self.images.look_again()
        _add_found(self.projects, self.state.projects, f"registry/{manifest['metadata']['name']}")

    def _namespace(self, before: Manifest | None, after: Manifest | None) -> None:
        if keeps_the_same(before, after):
            return
        manifest = _either(before, after)
        self._add_owners(before, after)
        # It decides whether they are believed.
        for environment in self.state.environments.find(NAMESPACE, manifest["metadata"]["name"]):
            self.environments.add(key_of(environment))
        former = Holder.of(manifest)
        if after is None and self.state.projects.get(former.namespace, former.name) is not None:
            # A Project that was made anew may have waited for it to go.
            self.projects.add((former.namespace, former.name))
        uid = (manifest["metadata"].get("labels") or {}).get(labels.OWNER_UID, "")
        if after is not None and uid and not self.state.projects.find(UID, uid):
            self.sweeper.look_at_owned_by(uid)

    def _furnishing(self, before: Manifest | None, after: Manifest | None) -> None:
        if not keeps_the_same(before, after):
            self._add_owners(before, after)

    def _add_owners(self, before: Manifest | None, after: Manifest | None) -> None:
        """Look at the Projects and Environments for which an object is, or was, made."""
        for manifest in filter(None, (before, after)):
            for uid in labels.owner_uids(manifest):
                for project in self.state.projects.find(UID, uid):
                    self.projects.add(key_of(project))
                for environment in self.state.environments.find(UID, uid):
                    self.environments.add(key_of(environment))

    def _claim(self, before: Manifest | None, after: Manifest | None) -> None:
        manifest = _either(before, after)
        owner = (manifest["metadata"].get("labels") or {}).get(labels.OWNER_UID, "")
        if after is None:
            # Its holder, if it still lives, claims anew.
            for environment in self.state.environments.find(UID, owner):
                self.environments.add(key_of(environment))
            for project in self.state.projects.find(UID, owner):
                self.projects.add(key_of(project))
            self._host_is_free((manifest["metadata"].get("annotations") or {}).get(labels.HOST, ""))
        elif not self.state.is_known(owner):
            self.sweeper.look_at_owned_by(owner)
        for pool in self.state.domain_pools:
            self.domain_pools.add(key_of(pool), _GATHER_COUNTS)


def while_active(is_active: Callable[[], bool], listener: Listener) -> Listener:
    """Return a listener that hears nothing as long as nobody works the queues off."""

    def listen(before: Manifest | None, after: Manifest | None) -> None:
        if is_active():
            listener(before, after)

    return listen


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


def _trouble(pod: Manifest | None) -> str:
    trouble = trouble_of(pod)
    return trouble.head if trouble else ""


def _spec(manifest: Manifest | None) -> object:
    return (manifest or {}).get("spec")


def _says_the_same(before: Manifest | None, after: Manifest | None) -> bool:
    """Tell whether only the status changed, which is Kapsa's own doing."""
    if before is None or after is None:
        return False
    return _told(before) == _told(after)


def keeps_the_same(before: Manifest | None, after: Manifest | None) -> bool:
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
