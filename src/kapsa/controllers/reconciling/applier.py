"""Brings live objects to what was planned, and writes nothing that needn't be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from kapsa.adapters.cluster import FIELD_MANAGER, Cluster
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.resources import resource_of
from kapsa.controllers.indexes import OWNER
from kapsa.controllers.reconciling.cache import Cache, Manifest, key_of, uid_of
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.drift import drift, needs_apply
from kapsa.core.handover import held, leaves_out
from kapsa.models.reasons import Reason

Owned = Callable[[Manifest], bool]
"""Tells whether a live object is the one that is meant."""

_MOST_TRIES = 2
_MOST_ATTEMPTS = 1000
_LEFTOVER_RETRY = 2.0
"""Seconds between two looks at an object that is being cleaned up."""
_NAMESPACE_RETRY = 60.0
"""The same for a namespace: who waits for it hears of its end."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Attempt:
    """The last apply that did not give what was wanted."""

    applied: str
    tries: int
    resource_version: str


class Applier:
    """Applies and prunes, against the caches."""

    def __init__(self, cluster: Cluster, state: State) -> None:
        """Take the API, and the caches that every write is taken into at once."""
        self._cluster = cluster
        self._state = state
        self._attempts: dict[tuple[str, str, str], _Attempt] = {}

    async def apply(
        self,
        manifest: Manifest,
        owned: Owned,
        conflict: Reason = Reason.NAME_CONFLICT,
        *,
        at_first: Manifest | None = None,
    ) -> Manifest:
        """Bring one object to what its stamped manifest says; return the live object.

        Where there is none yet, it is made by `at_first`, if that is given: the same manifest with
        fields beyond it that others then decide about.

        Raises:
            Stalled: An object of that name is not ours (`conflict`), the API server refuses it, or
                something changes it back each time.
            Waiting: The API server can't be reached, or the object, or a former one of its name, is
                being deleted.
        """
        cache = self._state.by_kind(manifest["kind"])
        live = await self._live(cache, manifest)
        if live is not None and not owned(live):
            raise self._in_the_way(manifest, live, conflict)
        if not needs_apply(manifest, live):
            self._attempts.pop(_identity(manifest), None)
            assert live is not None
            return live
        self._rest_if_stubborn(manifest, live)
        await self._hand_over(manifest, live)
        if live is None:
            applied = await self._cluster.apply(at_first or manifest, uid="")
        else:
            applied = await self._cluster.apply(manifest, uid=uid_of(live))
        cache.observe("MODIFIED", applied)
        log.info(
            "applied",
            kind=manifest["kind"],
            namespace=key_of(manifest)[0],
            name=key_of(manifest)[1],
        )
        self._note_attempt(manifest, applied)
        return applied

    async def prune(
        self, owner_uid: str, keep: Iterable[Manifest], caches: Iterable[Cache]
    ) -> None:
        """Delete what Kapsa made for the owner, as far as `caches` hold it, beyond `keep`."""
        kept = {_identity(manifest) for manifest in keep}
        for cache in caches:
            for live in cache.find(OWNER, owner_uid):
                if _identity(live) in kept or live["metadata"].get("deletionTimestamp"):
                    continue
                # Others may make objects that go with the owner; those aren't Kapsa's to delete.
                if labels.is_managed(live):
                    await self.delete(live)

    async def delete(self, live: Manifest, *, dependents_first: bool = False) -> None:
        """Delete a live object: this one, and none that took its name.

        With `dependents_first` it stays until what it owns is gone.
        """
        namespace, name = key_of(live)
        log.info("deleting", kind=live["kind"], namespace=namespace, name=name)
        deletion = await self._cluster.delete(
            resource_of(live), name, namespace, uid=uid_of(live), dependents_first=dependents_first
        )
        self._state.by_kind(live["kind"]).take_deletion(live, deletion)

    async def delete_unchanged(self, live: Manifest) -> bool:
        """Delete an object unless it was changed since it was read; tell whether it was deleted."""
        namespace, name = key_of(live)
        version = str(live["metadata"].get("resourceVersion", ""))
        deletion = await self._cluster.delete(
            resource_of(live), name, namespace, uid=uid_of(live), resource_version=version
        )
        if deletion.was_there:
            log.info("deleting", kind=live["kind"], namespace=namespace, name=name)
        self._state.by_kind(live["kind"]).take_deletion(live, deletion)
        return deletion.was_there

    async def _live(self, cache: Cache, manifest: Manifest) -> Manifest | None:
        """Return the live object; before a first apply the API server itself is asked.

        A watch that is filtered by label doesn't show a stranger's object of the same name, which
        an apply would take over.
        """
        namespace, name = key_of(manifest)
        known = cache.get(namespace, name)
        # The cache holds all of an object only where it is Kapsa's.
        if known is not None and labels.is_managed(known):
            return known
        return await self._cluster.get(cache.resource, name, namespace)

    async def _hand_over(self, manifest: Manifest, live: Manifest | None) -> None:
        """Have a field stay, where Kapsa set it and now leaves it out."""
        if live is None or not leaves_out(manifest, live):
            return
        namespace, name = key_of(manifest)
        # The caches don't keep who owns which field.
        current = await self._cluster.get(resource_of(manifest), name, namespace)
        rest = held(current, FIELD_MANAGER)
        if rest is not None:
            await self._cluster.hold(rest, uid=uid_of(live))

    def _in_the_way(self, manifest: Manifest, live: Manifest, conflict: Reason) -> AdapterError:
        """Return what an object means that is not the one that is meant but has its name."""
        metadata = live["metadata"]
        owners = labels.owner_uids(live)
        known = (self._state.is_known(uid) for uid in owners)
        if metadata.get("deletionTimestamp") or (
            labels.is_managed(live) and owners and not any(known)
        ):
            return _pending(manifest)
        return _conflict(manifest, conflict)

    def _rest_if_stubborn(self, manifest: Manifest, live: Manifest | None) -> None:
        attempt = self._attempts.get(_identity(manifest))
        if attempt is None or live is None:
            return
        if (
            attempt.tries >= _MOST_TRIES
            and attempt.applied == _applied(manifest)
            and attempt.resource_version == live["metadata"].get("resourceVersion")
        ):
            raise _not_converging(manifest, live)

    def _note_attempt(self, manifest: Manifest, applied: Manifest) -> None:
        identity = _identity(manifest)
        if not needs_apply(manifest, applied):
            self._attempts.pop(identity, None)
            return
        before = self._attempts.get(identity)
        tries = before.tries + 1 if before and before.applied == _applied(manifest) else 1
        version = str(applied["metadata"].get("resourceVersion", ""))
        if len(self._attempts) >= _MOST_ATTEMPTS:
            # The oldest one is most likely of an object that is gone.
            del self._attempts[next(iter(self._attempts))]
        self._attempts[identity] = _Attempt(_applied(manifest), tries, version)
        if tries >= _MOST_TRIES:
            raise _not_converging(manifest, applied)


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    return (manifest["kind"], *key_of(manifest))


def _applied(manifest: Manifest) -> str:
    return str(manifest["metadata"]["annotations"][labels.APPLIED])


def _pending(manifest: Manifest) -> Waiting:
    kind, (_, name) = manifest["kind"], key_of(manifest)
    reason = Reason.NAMESPACE_TERMINATING if kind == "Namespace" else Reason.NAME_PENDING
    return Waiting(
        reason,
        f"a former {kind} {name} is being cleaned up; it is made anew once that is gone",
        _NAMESPACE_RETRY if kind == "Namespace" else _LEFTOVER_RETRY,
    )


def _conflict(manifest: Manifest, reason: Reason) -> Stalled:
    namespace, name = key_of(manifest)
    where = f" in namespace {namespace}" if namespace else ""
    return Stalled(
        reason,
        f"{manifest['kind']} {name}{where} exists and was not made by Kapsa for this object;"
        " it is left alone. Delete or rename it",
    )


def _not_converging(manifest: Manifest, live: Manifest) -> Stalled:
    fields = ", ".join(path.lstrip(".") for path in drift(manifest, live)[:3])
    return Stalled(
        Reason.NOT_CONVERGING,
        f"{manifest['kind']} {manifest['metadata']['name']}: {fields} is changed back each time"
        " Kapsa applies it; look for an admission webhook or a controller that does it",
    )
