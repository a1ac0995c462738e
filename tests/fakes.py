"""Fakes of what is outside, for unit tests of the shell."""

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kapsa.adapters.answers import Deletion, Listing
from kapsa.adapters.api_errors import AlreadyExists, Conflict, NotFound
from kapsa.adapters.cluster import Cluster, Manifest, Trim
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.adapters.forges import ForgeRepository
from kapsa.adapters.registry import ANONYMOUS, Access
from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.adapters.resources import ResourceType
from kapsa.controllers.reconciling.cache import Cache
from kapsa.core.builds.source import Source
from kapsa.core.images.rights import Right
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.transitions import Transition
from kapsa.models.reasons import Reason

Answer = TypeVar("Answer")

Key = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass(frozen=True)
class Write:
    """One write that reached the cluster, whether it changed anything or not."""

    verb: str
    kind: str
    namespace: str
    name: str
    uid: str = ""
    body: Manifest = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {'/'.join(filter(None, (self.namespace, self.name)))}"


@dataclass
class Fault:
    """What happens to calls that match, after the first `skip` of them, `times` times.

    With `late` the call does its work first, and fails then: an answer that was lost.
    """

    error: Exception | None
    verb: str = ""
    kind: str = ""
    skip: int = 0
    times: int = 1
    delay: float = 0.0
    late: bool = False

    def hits(self, verb: str, kind: str) -> bool:
        if self.verb not in ("", verb) or self.kind not in ("", kind) or not self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class _Count:
    """What every view of one cluster counts together."""

    version: int = 100
    uids: int = 0


class FakeCluster(Cluster):
    """A fake of the Kubernetes API for unit tests, in memory.

    It knows no schemas, no defaults and no real server-side apply: an apply merges maps and
    replaces lists, and gives up the fields that the last one had set and it leaves out. It does
    keep resourceVersions, UIDs, generations and preconditions, records every write, and can be
    told to fail. Caches that `feed` is given see its events at once, or, while `watch_is_late`,
    when `catch_up` is called.
    """

    def __init__(self, fence: Callable[[], None] = lambda: None) -> None:
        self.objects: dict[Key, Manifest] = {}
        self.writes: list[Write] = []
        self.reads: list[str] = []
        self.faults: list[Fault] = []
        self.logs: dict[Key, str] = {}
        """Logs by namespace, pod and container."""
        self.admission: Callable[[Manifest], Manifest] = lambda manifest: manifest
        """A webhook: changes what is about to be stored."""
        self.watch_is_late = False
        self._fence = fence
        self._count = _Count()
        self._caches: list[Cache] = []
        self._applied: dict[Key, Manifest] = {}
        self._pending: list[Callable[[], None]] = []

    def fenced(self, fence: Callable[[], None]) -> "FakeCluster":
        """Return the same cluster as who has that fence reaches it."""
        view = FakeCluster()
        view.__dict__.update(self.__dict__, _fence=fence)
        return view

    def as_other_manager(self) -> "FakeCluster":
        """Return the same cluster as another field manager reaches it."""
        view = self.fenced(self._fence)
        view._applied = {}
        return view

    # What tests do to it.

    def put(self, *manifests: Manifest) -> Manifest:
        """Store objects as somebody else would; return the last as it is now."""
        stored: Manifest = {}
        for manifest in manifests:
            stored = self._store(copy.deepcopy(manifest))
        return copy.deepcopy(stored)

    def remove(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete an object as somebody else would."""
        self._remove((kind, namespace, name))

    def live(self, kind: str, name: str, namespace: str = "") -> Manifest:
        return copy.deepcopy(self.objects[kind, namespace, name])

    def has(self, kind: str, name: str, namespace: str = "") -> bool:
        return (kind, namespace, name) in self.objects

    def fail(self, error: Exception | None, verb: str = "", kind: str = "", **how: Any) -> Fault:
        """Have the next call that matches fail; see `Fault`."""
        self.faults.append(Fault(error, verb, kind, **how))
        return self.faults[-1]

    def feed(self, *caches: Cache) -> None:
        """Fill caches, and have them see every event from now on."""
        for cache in caches:
            cache.replace(self._listing(cache.resource, cache.label_selector))
            cache.ready.set()
            self._caches.append(cache)

    def catch_up(self) -> None:
        """Let the events through that were held back."""
        while self._pending:
            self._pending.pop(0)()

    def verbs(self) -> list[str]:
        """Return the writes so far, each as `<verb> <kind> <name>`."""
        return [str(write) for write in self.writes]

    # What Kapsa does to it.

    async def get(self, resource: ResourceType, name: str, namespace: str = "") -> Manifest | None:
        self.reads.append(f"get {resource.kind} {name}")
        async with _Call(self, "get", resource.kind):
            return copy.deepcopy(self.objects.get((resource.kind, namespace, name)))

    async def pod_log(self, name: str, namespace: str, *, container: str, lines: int) -> str:
        self.reads.append(f"log {name}")
        async with _Call(self, "log", "Pod"):
            return self.logs[namespace, name, container]

    async def list_all(
        self,
        resource: ResourceType,
        label_selector: str = "",
        namespace: str = "",
        trim: Trim = lambda item: item,
    ) -> Listing:
        self.reads.append(f"list {resource.kind}")
        async with _Call(self, "list", resource.kind):
            listing = self._listing(resource, label_selector, namespace)
            return Listing([trim(item) for item in listing.items], listing.resource_version)

    async def create(self, manifest: Manifest) -> Manifest:
        async with self._written("create", manifest):
            if _key(manifest) in self.objects:
                raise AlreadyExists(Reason.RECONCILING, "there is one", 1.0)
            return self._answer(self._store(self.admission(copy.deepcopy(manifest))))

    async def apply(self, manifest: Manifest, *, uid: str = "") -> Manifest:
        async with self._written("apply", manifest, uid):
            live = self.objects.get(_key(manifest))
            if uid and (live is None or live["metadata"]["uid"] != uid):
                raise Conflict(Reason.RECONCILING, "another UID", 1.0)
            given_up = _given_up(live or {}, self._applied.get(_key(manifest), {}), manifest)
            self._applied[_key(manifest)] = copy.deepcopy(manifest)
            merged = _merged(given_up, copy.deepcopy(manifest))
            if "ownerReferences" not in manifest["metadata"]:
                merged["metadata"].pop("ownerReferences", None)
            return self._answer(self._store(self.admission(merged)))

    async def hold(self, manifest: Manifest, *, uid: str) -> Manifest:
        async with self._written("hold", manifest, uid):
            live = self.objects.get(_key(manifest))
            if live is None or live["metadata"]["uid"] != uid:
                raise Conflict(Reason.RECONCILING, "another UID", 1.0)
            if _merged(live, manifest) != live:
                raise Conflict(Reason.RECONCILING, "somebody else set it", 1.0)
            return self._answer(live)

    async def replace(self, manifest: Manifest) -> Manifest:
        async with self._written("replace", manifest):
            live = self.objects.get(_key(manifest))
            if live is None:
                raise NotFound(Reason.RECONCILING, "gone", 2.0)
            if live["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
                raise Conflict(Reason.RECONCILING, "it was changed", 1.0)
            return self._answer(self._store(copy.deepcopy(manifest)))

    async def patch(
        self, resource: ResourceType, name: str, namespace: str, operations: list[Manifest]
    ) -> Manifest:
        metadata = {"name": name, "namespace": namespace}
        body = {"kind": resource.kind, "metadata": metadata, "operations": operations}
        async with self._written("patch", body):
            live = self.objects.get((resource.kind, namespace, name))
            if live is None:
                raise NotFound(Reason.RECONCILING, "gone", 2.0)
            return self._answer(self._store(_patched(copy.deepcopy(live), operations)))

    async def apply_status(
        self, resource: ResourceType, live: Manifest, status: Manifest
    ) -> Manifest:
        async with self._written("status", {**live, "status": status}, live["metadata"]["uid"]):
            stored = self.objects.get(_key(live))
            if stored is None:
                raise NotFound(Reason.RECONCILING, "gone", 2.0)
            if stored["metadata"]["uid"] != live["metadata"]["uid"]:
                raise Conflict(Reason.RECONCILING, "another UID", 1.0)
            return self._answer(self._store({**copy.deepcopy(stored), "status": status}))

    async def delete(
        self,
        resource: ResourceType,
        name: str,
        namespace: str = "",
        *,
        uid: str,
        resource_version: str = "",
        dependents_first: bool = False,
    ) -> Deletion:
        metadata = {"name": name, "namespace": namespace}
        manifest = {"kind": resource.kind, "metadata": metadata}
        async with self._written("delete", manifest, uid):
            key = (resource.kind, namespace, name)
            live = self.objects.get(key)
            if live is None or live["metadata"]["uid"] != uid:
                return Deletion(was_there=False)
            if resource_version not in ("", live["metadata"]["resourceVersion"]):
                return Deletion(was_there=False)
            if live["metadata"].get("finalizers") or dependents_first:
                dying = copy.deepcopy(live)
                dying["metadata"].setdefault("deletionTimestamp", "2026-01-01T01:00:00Z")
                self._store(dying)
                return Deletion(was_there=True, dying=self._answer(self.objects[key]))
            self._remove(key)
            return Deletion(was_there=True)

    # How it works.

    def _written(self, verb: str, manifest: Manifest, uid: str = "") -> "_Call":
        self._fence()
        kind, namespace, name = _key(manifest)
        self.writes.append(Write(verb, kind, namespace, name, uid, copy.deepcopy(manifest)))
        return _Call(self, verb, kind)

    def _answer(self, manifest: Manifest) -> Manifest:
        return copy.deepcopy(manifest)

    def _listing(self, resource: ResourceType, selector: str, namespace: str = "") -> Listing:
        items = [
            copy.deepcopy(manifest)
            for key, manifest in self.objects.items()
            if key[0] == resource.kind
            and namespace in ("", key[1])
            and _matches(manifest, selector)
        ]
        return Listing(items, str(self._count.version))

    def next_version(self) -> str:
        self._count.version += 1
        return str(self._count.version)

    def _store(self, manifest: Manifest) -> Manifest:
        key = _key(manifest)
        before = self.objects.get(key)
        metadata = manifest["metadata"] = dict(manifest["metadata"])
        if not metadata.get("namespace"):
            metadata.pop("namespace", None)
        if before is None:
            self._count.uids += 1
            metadata.setdefault("uid", f"uid-{self._count.uids}")
            metadata.setdefault("generation", 1)
            metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        else:
            old = before["metadata"]
            changed = manifest.get("spec") != before.get("spec")
            metadata.setdefault("uid", old["uid"])
            metadata["generation"] = old.get("generation", 1) + changed
            metadata["resourceVersion"] = old["resourceVersion"]
            if manifest == before:
                return before
        metadata["resourceVersion"] = self.next_version()
        self.objects[key] = manifest
        self._emit(before, manifest)
        return manifest

    def _remove(self, key: Key) -> None:
        gone = copy.deepcopy(self.objects.pop(key))
        gone["metadata"]["resourceVersion"] = self.next_version()
        self._emit(gone, None)

    def _emit(self, before: Manifest | None, after: Manifest | None) -> None:
        told = copy.deepcopy(after or before)
        assert told is not None
        for cache in self._caches:
            if cache.resource.kind != told["kind"]:
                continue
            was = before is not None and _matches(before, cache.label_selector)
            stays = after is not None and _matches(after, cache.label_selector)
            if was or stays:
                event = "MODIFIED" if was and stays else "ADDED" if stays else "DELETED"
                self._pending.append(_telling(cache, event, told))
        if not self.watch_is_late:
            self.catch_up()


class _Call:
    """One call: gives other tasks a chance, and goes wrong where that was asked for."""

    def __init__(self, cluster: FakeCluster, verb: str, kind: str) -> None:
        self._cluster = cluster
        self._fault = next((f for f in cluster.faults if f.hits(verb, kind)), None)

    async def __aenter__(self) -> None:
        await asyncio.sleep(self._fault.delay if self._fault else 0)
        if self._fault and self._fault.error and not self._fault.late:
            raise self._fault.error

    async def __aexit__(self, *_: object) -> None:
        if self._fault and self._fault.error and self._fault.late:
            raise self._fault.error


def _telling(cache: Cache, event: str, manifest: Manifest) -> Callable[[], None]:
    return lambda: cache.observe(event, copy.deepcopy(manifest))


def _key(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace") or "", metadata["name"]


def _matches(manifest: Manifest, selector: str) -> bool:
    found = manifest["metadata"].get("labels") or {}
    for part in filter(None, selector.split(",")):
        name, equals, value = part.partition("=")
        if name not in found or (equals and found[name] != value):
            return False
    return True


def _given_up(live: Any, before: Any, now: Any) -> Any:
    """Return an object without the fields that an apply has set, and the next one leaves out."""
    if not (isinstance(live, dict) and isinstance(before, dict) and isinstance(now, dict)):
        return live
    return {
        name: _given_up(value, before[name], now.get(name)) if name in before else value
        for name, value in live.items()
        if name in now or name not in before
    }


def _merged(live: Any, applied: Any) -> Any:
    if isinstance(live, dict) and isinstance(applied, dict):
        return live | {key: _merged(live.get(key), value) for key, value in applied.items()}
    return applied


def _patched(live: Manifest, operations: list[Manifest]) -> Manifest:
    """Return an object after the `test`s and `replace`s of a JSON patch."""
    for operation in operations:
        *path, last = [int(part) if part.isdecimal() else part
                       for part in operation["path"].split("/")[1:]]  # fmt: skip
        parent: Any = live
        for part in path:
            parent = parent[part]
        if operation["op"] == "replace":
            parent[last] = operation["value"]
        elif parent[last] != operation["value"]:
            raise Stalled(Reason.APPLY_REFUSED, f"test failed: {operation['path']}")
    return live


class FakeRecorder:
    """Keeps the news that controllers have to tell: `<type> <reason> <kind> <name>` of each."""

    def __init__(self) -> None:
        self.news: list[str] = []

    def record(self, regarding: Manifest, news: Iterable[Transition]) -> None:
        what = f"{regarding['kind']} {regarding['metadata']['name']}"
        self.news += [f"{item.type} {item.reason} {what}" for item in news]


class FakeOutside:
    """A fake of git servers, a forge and a registry, for unit tests: answers what it is told.

    Attributes:
        refs: What `list_refs` answers or raises, by URL.
        pull_requests: The same for `open_pull_requests`, by `<owner>/<name>`.
        images: Images by tag.
        sources: What `read_source` answers or raises, by commit.
        tokens: What `scoped_token` answers or raises, by repository.
        verify_error: What registries answer who are asked for rights, if that is an error.
        refused: Rights that they refuse, with their words.
        asked: Every question so far.
        delay: Seconds that each answer takes.
    """

    def __init__(self) -> None:
        self.refs: dict[str, RefListing | Exception] = {}
        self.pull_requests: dict[str, PullRequestListing | Exception] = {}
        self.images: dict[str, str | Exception] = {}
        self.sources: dict[str, Source | Exception] = {}
        self.tokens: dict[str, ScopedToken | Exception] = {}
        self.verify_error: Exception | None = None
        self.refused: dict[Right, str] = {}
        self.provider = "gitea"
        self.asked: list[str] = []
        self.credentials: list[Credentials | None] = []
        self.delay = 0.0
        self.busy = 0
        self.most_busy = 0

    async def list_refs(self, url: str, credentials: Credentials | None = None) -> RefListing:
        self.credentials.append(credentials)
        return await self._answer(f"refs {url}", self.refs.get(url, RefListing({}, complete=True)))

    async def detect(
        self, url: str, api_url: str | None = None, credentials: Credentials | None = None
    ) -> str:
        return await self._answer(f"detect {url}", self.provider)

    async def open_pull_requests(
        self, repository: ForgeRepository, credentials: Credentials | None = None
    ) -> PullRequestListing:
        name = f"{repository.owner}/{repository.name}"
        nothing = PullRequestListing(complete=True)
        return await self._answer(f"pulls {name}", self.pull_requests.get(name, nothing))

    async def resolve(self, reference: str, access: Access = ANONYMOUS) -> str | None:
        self.credentials.append(access.credentials)
        return await self._answer(f"image {reference}", self.images.get(reference))

    async def read_source(
        self,
        url: str,
        commit: str,
        *,
        context: str = ".",
        with_files: bool,
        credentials: Credentials | None = None,
    ) -> Source:
        self.credentials.append(credentials)
        names = " with files" if with_files else ""
        question = f"source {url} {commit} {context}{names}"
        return await self._answer(question, self.sources.get(commit, Source(f"tree-{commit}", "")))

    async def verify(
        self, endpoint: str, access: Access, rights: Sequence[Right] = ()
    ) -> Mapping[Right, str]:
        self.credentials.append(access.credentials)
        asked = " ".join((f"verify {endpoint}", *(right.scope for right in rights)))
        await self._answer(asked, self.verify_error or "verified")
        return {right: words for right, words in self.refused.items() if right in rights}

    async def scoped_token(
        self, repository: str, actions: Sequence[str], access: Access
    ) -> ScopedToken | None:
        self.credentials.append(access.credentials)
        asked = f"token {repository} {','.join(actions)}"
        return await self._answer(asked, self.tokens.get(repository))

    async def _answer(self, question: str, answer: Answer | Exception) -> Answer:
        self.asked.append(question)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.busy -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer
