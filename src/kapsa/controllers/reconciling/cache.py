"""What the cluster holds of a kind, as far as decisions need it.

kopf's watch streams feed it. After a lost stream kopf lists again without saying what vanished
meanwhile, so the cache lists for itself: at the start, at intervals, and whenever kopf has listed.
It compares by UID, and takes what is missing for deleted.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import structlog

from kapsa.adapters.answers import Deletion, Listing
from kapsa.adapters.api_errors import NotFound
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import ResourceType
from kapsa.controllers.reconciling.compact import Held, held

Manifest = dict[str, Any]
Key = tuple[str, str]
"""Namespace (nothing for cluster-scoped kinds) and name."""

Listener = Callable[[Manifest | None, Manifest | None], None]
"""Told of each change: the object before and after it; None where there was, or is, none."""

Index = Callable[[Manifest], Iterable[str]]
"""Gives the values under which an object is found."""

_RETRY_LISTING = 2.0

log = structlog.get_logger(__name__)


class Cache:
    """The live objects of one kind."""

    def __init__(
        self,
        resource: ResourceType,
        *,
        label_selector: str = "",
        namespace: str = "",
        trim: Callable[[Manifest], Manifest] | None = None,
        indexes: Mapping[str, Index] | None = None,
        optional: bool = False,
    ) -> None:
        """Make an empty cache.

        Args:
            resource: The kind.
            label_selector: Which of its objects; the watch must have the same.
            namespace: Keep only those of this namespace; nothing to keep all.
            trim: Returns what is kept of an object.
            indexes: Ways to find objects, by name.
            optional: The API server may not know the kind: then there is none of it.
        """
        self.resource = resource
        self.label_selector = label_selector
        self.ready = asyncio.Event()
        """Set once the first list is in."""
        self.is_served = True
        """Whether the API server knew the kind at the last list."""
        self._optional = optional
        self._namespace = namespace
        self._trim = trim or without_managed_fields
        self._indexes = dict(indexes or {})
        self._objects: dict[Key, Manifest] = {}
        self._found: dict[tuple[str, str], dict[Key, None]] = defaultdict(dict)
        self._listeners: list[Listener] = []
        self._list_wanted = asyncio.Event()
        self._gone: dict[str, int | None] = {}
        """Versions at which UIDs were deleted since the last list began: it may still have them,
        and so may the late answer to a write."""
        self._gone_before: dict[str, int | None] = {}
        """The same for the list before it."""

    def __iter__(self) -> Iterator[Manifest]:
        """Iterate over a snapshot of the objects."""
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._objects)

    def get(self, namespace: str, name: str) -> Manifest | None:
        """Return the object, or None where there is none."""
        return self._objects.get((namespace, name))

    def find(self, index: str, value: str) -> list[Manifest]:
        """Return the objects that an index has under `value`, the oldest entry first."""
        return [self._objects[key] for key in self._found.get((index, value), ())]

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` told of each change from now on."""
        self._listeners.append(listener)

    def observe(self, event_type: str | None, manifest: Manifest) -> None:
        """Take in an object from a watch event, or from the answer to a write.

        One that is held is taken as it is: to trim it again could lose what the first time found.
        """
        if not isinstance(manifest, Held):
            manifest = {
                "apiVersion": self.resource.api_version,
                "kind": self.resource.kind,
                **manifest,
            }
        key = key_of(manifest)
        if self._namespace and key[0] != self._namespace:
            return
        known = self._objects.get(key)
        if event_type == "DELETED":
            self._gone[uid_of(manifest)] = _version(manifest)
            if known is not None and uid_of(known) == uid_of(manifest):
                self._remove(key)
            return
        if not self._is_gone(manifest) and (known is None or not _is_older(manifest, known)):
            kept = manifest if isinstance(manifest, Held) else held(self._trim(manifest))
            self._store(key, kept)

    def take_deletion(self, live: Manifest, deletion: Deletion) -> None:
        """Take in what the API server answered to the deletion of an object."""
        if deletion.dying is not None:
            self.observe("MODIFIED", deletion.dying)
        elif deletion.was_there:
            self.observe("DELETED", live)

    def request_list(self) -> None:
        """Have the kind listed soon."""
        self._list_wanted.set()

    async def run(self, cluster: Cluster, interval: float) -> None:
        """List whenever that is asked for, and about every `interval` seconds, until cancelled."""
        if self._optional:
            # kopf does not list what is not served, and so would not ask for the first list.
            self.request_list()
        while True:
            try:
                async with asyncio.timeout(interval * random.uniform(0.9, 1.1)):  # noqa: S311
                    await self._list_wanted.wait()
            except TimeoutError:
                pass
            self._list_wanted.clear()
            await self._list(cluster)

    async def _list(self, cluster: Cluster) -> None:
        self._gone_before, self._gone = self._gone, {}
        try:
            self.replace(await self._list_all(cluster))
        except AdapterError as error:
            if self._optional and isinstance(error, NotFound):
                # It proves nothing about objects that are known.
                self.is_served = False
                self.ready.set()
                return
            log.warning("list failed", kind=self.resource.kind, error=error.message)
        except Exception:
            # What is known is kept: the other kinds, and what runs, don't depend on this one list.
            log.exception("list failed", kind=self.resource.kind)
        else:
            self.is_served = True
            self.ready.set()
            return
        await asyncio.sleep(_RETRY_LISTING)
        self._list_wanted.set()

    async def _list_all(self, cluster: Cluster) -> Listing:
        return await cluster.list_all(
            self.resource, self.label_selector, trim=lambda item: held(self._trim(item))
        )

    def replace(self, listing: Listing) -> None:
        """Take in a complete list: what it lacks is gone, unless it is newer than the list."""
        listed = {uid_of(item) for item in listing.items}
        for key, known in list(self._objects.items()):
            if uid_of(known) not in listed and not _is_newer_than(known, listing):
                self._remove(key)
        for item in listing.items:
            self.observe(None, item)

    def _is_gone(self, manifest: Manifest) -> bool:
        """Tell whether an object is one that was deleted since.

        A later version of it is not: what left a filtered watch for want of a label comes back.
        """
        uid, mine = uid_of(manifest), _version(manifest)
        for gone in (self._gone, self._gone_before):
            if uid in gone:
                end = gone[uid]
                return mine is None or end is None or mine <= end
        return False

    def _store(self, key: Key, manifest: Manifest) -> None:
        known = self._objects.get(key)
        if known is not None and uid_of(known) != uid_of(manifest):
            # Deleted and made anew between two looks: two changes, not one.
            self._gone[uid_of(known)] = _version(manifest)
            self._remove(key)
            known = None
        if known is not None and known == manifest:
            return
        if known is not None:
            self._unindex(key, known)
        self._objects[key] = manifest
        for entry in self._entries(manifest):
            self._found[entry][key] = None
        self._tell(known, manifest)

    def _remove(self, key: Key) -> None:
        known = self._objects.pop(key)
        self._unindex(key, known)
        self._tell(known, None)

    def _unindex(self, key: Key, manifest: Manifest) -> None:
        for entry in self._entries(manifest):
            found = self._found.get(entry, {})
            found.pop(key, None)
            if not found:
                self._found.pop(entry, None)

    def _entries(self, manifest: Manifest) -> Iterator[tuple[str, str]]:
        """Yield where indexes have an object: nowhere, where one can't read it."""
        for name, index in self._indexes.items():
            try:
                values = tuple(index(manifest))
            except Exception:
                log.exception("an object can't be indexed", kind=self.resource.kind, index=name)
            else:
                yield from ((name, value) for value in values)

    def _tell(self, before: Manifest | None, after: Manifest | None) -> None:
        for listener in self._listeners:
            try:
                listener(before, after)
            except Exception:
                # One sick object, or listener, must not keep the others from being heard of.
                log.exception("a listener failed", kind=self.resource.kind)


def key_of(manifest: Manifest) -> Key:
    """Return the namespace and name of an object."""
    metadata = manifest["metadata"]
    return (metadata.get("namespace", ""), metadata["name"])


def uid_of(manifest: Manifest) -> str:
    """Return the UID of an object."""
    return str(manifest["metadata"].get("uid", ""))


def without_managed_fields(manifest: Manifest) -> Manifest:
    """Return the object without the record of who set which field."""
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name != "managedFields"
    }
    return {**manifest, "metadata": metadata}


def _version(manifest: Manifest) -> int | None:
    version = str(manifest["metadata"].get("resourceVersion", ""))
    return int(version) if version.isdecimal() else None


def _is_older(manifest: Manifest, known: Manifest) -> bool:
    """Tell whether an object is an older version of what is known.

    Resource versions of one kind can be compared since Kubernetes 1.35:
    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    mine, theirs = _version(manifest), _version(known)
    return mine is not None and theirs is not None and mine < theirs


def _is_newer_than(known: Manifest, listing: Listing) -> bool:
    mine = _version(known)
    listed = listing.resource_version
    return mine is not None and listed.isdecimal() and mine > int(listed)
