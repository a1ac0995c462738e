"""Keeps the Secrets with which pods pull images where those run, and removes what nobody needs.

A key is a namespace and the name of a Registry; without a namespace it is the Registry's own
credentials, which are looked at regularly. A Secret is made once for a namespace, however many
Environments there run images of the Registry.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from kapsa.adapters.errors import AdapterError
from kapsa.controllers.indexes import REGISTRY
from kapsa.controllers.pulling.credentials import LOOK_AGAIN, PullCredentials
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key, Manifest, key_of
from kapsa.controllers.reconciling.outcome import Failure, interpret
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.registries.users import RegistryUsers, Use
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.images.pull_secrets import is_generated, registry_label
from kapsa.core.manifests.pull_secret import pull_secret
from kapsa.core.offers import is_for_all
from kapsa.models.registry import Registry

_LABELS_RETRY: Final = 600.0
"""Seconds between two looks at the labels of a namespace that may use a Registry for those."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PullSecrets:
    """Sees to pull Secrets.

    Attributes:
        state: The caches.
        applier: Writes Secrets.
        users: Knows who runs images of Registries.
        credentials: Reads what is copied.
        queue: What to look at.
        on_change: Called with Environments whose Secret can't be made any more, or again.
    """

    state: State
    applier: Applier
    users: RegistryUsers
    credentials: PullCredentials
    queue: Queue[Key]
    on_change: Callable[[Key], None]
    _problems: dict[Key, Blocked] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)

    def look_at_all(self) -> None:
        """Look at every pull Secret that is, or should be."""
        for secret in self.state.secrets:
            self.look_at(secret)
        for registry in self.state.registries:
            self.look_at_registry(registry["metadata"]["name"])

    def look_at(self, secret: Manifest) -> None:
        """Look at a Secret that changed, if it is one with which images are pulled."""
        name = registry_of(secret)
        if name:
            self.queue.add((key_of(secret)[0], name))

    def look_at_registry(self, name: str) -> None:
        """Look at all pull Secrets of a Registry."""
        self.queue.add(("", name))
        for key in self._keys(name):
            self.queue.add(key)

    def live(self, namespace: str, registry: Registry, name: str) -> Manifest | None:
        """Return the pull Secret of that name, if it was made for the Registry."""
        secret = self.state.secrets.get(namespace, name)
        if secret is None or not labels.is_owned_by(secret, registry.metadata.uid):
            return None
        return secret

    def problem(self, namespace: str, registry: str) -> Blocked | None:
        """Return why the Secret can't be made; None where it can, or nobody has tried yet."""
        return self._problems.get((namespace, registry))

    async def reconcile(self, key: Key) -> float | None:
        """Bring one key in order; return the seconds after which to look again."""
        namespace, name = key
        registry = self.users.registry(name)
        if isinstance(registry, Registry):
            return await (self._keep(key, registry) if namespace else self._poll(registry))
        if self.state.registries.get("", name) is None:
            # One that breaks a rule may be mended; until then all stays as it is.
            await self._forget(key)
        return None

    async def _keep(self, key: Key, registry: Registry) -> float | None:
        """Have the namespace hold the Registry's Secret, where an image of it runs."""
        wanted = self.users.secret_name(registry) if is_generated(registry) else ""
        try:
            use = await self.users.use(key[0], registry) if wanted else Use.NONE
        except AdapterError as error:
            return self._fail(key, registry, wanted, interpret(error))
        if use is Use.NONE:
            await self._forget(key)
            return None
        if use is Use.WANTED:
            try:
                await self._make(key, registry, wanted)
            except AdapterError as error:
                return self._fail(key, registry, wanted, interpret(error))
            await self._remove(key, keep=wanted)
            self.queue.add(("", registry.metadata.name), LOOK_AGAIN)
        self._note(key, None)
        return None if is_for_all(registry) else _LABELS_RETRY

    async def _make(self, key: Key, registry: Registry, name: str) -> None:
        credentials = await self.credentials.of(registry)
        self._seen.setdefault(registry.metadata.name, credentials.digest)
        manifest = pull_secret(
            registry,
            name=name,
            namespace=key[0],
            username=credentials.username,
            password=credentials.password,
        )
        uid = registry.metadata.uid
        await self.applier.apply(stamp(manifest), lambda live: labels.is_owned_by(live, uid))

    async def _poll(self, registry: Registry) -> float | None:
        """Look whether the credentials were rotated, and if so, at every copy of them."""
        name = registry.metadata.name
        keys = self._keys(name)
        if not keys or not is_generated(registry):
            self._seen.pop(name, None)
            return None
        try:
            digest = (await self.credentials.of(registry)).digest
        except AdapterError as error:
            # What was copied stays: whoever rotates a Secret may delete it for a moment.
            return min(interpret(error).retry_after, LOOK_AGAIN)
        if self._seen.get(name) != digest:
            self._seen[name] = digest
            for key in keys:
                self.queue.add(key)
        return LOOK_AGAIN

    def _fail(self, key: Key, registry: Registry, name: str, failure: Failure) -> float:
        """Note why there is no Secret; return the seconds after which to try again."""
        if self.live(key[0], registry, name) is None:
            self._note(key, replace(failure.blocked, retry_after=None))
        return min(failure.retry_after, LOOK_AGAIN)

    async def _forget(self, key: Key) -> None:
        self._problems.pop(key, None)
        await self._remove(key)

    async def _remove(self, key: Key, keep: str = "") -> None:
        """Delete the Registry's pull Secrets in the namespace, but for one."""
        for secret in self._secrets(key[1]):
            namespace, name = key_of(secret)
            is_going = secret["metadata"].get("deletionTimestamp")
            if namespace == key[0] and name != keep and not is_going:
                await self.applier.delete(secret)

    def _note(self, key: Key, problem: Blocked | None) -> None:
        before = self._problems.pop(key, None)
        if problem is not None:
            self._problems[key] = problem
        if before != problem:
            for environment in self.users.within(*key):
                self.on_change(key_of(environment))

    def _keys(self, registry: str) -> set[Key]:
        """Return where the Registry's Secret is, or may have to be."""
        made = {(key_of(secret)[0], registry) for secret in self._secrets(registry)}
        return made | self.users.keys(registry)

    def _secrets(self, registry: str) -> list[Manifest]:
        found = self.state.secrets.find(REGISTRY, registry_label(registry))
        return [secret for secret in found if registry_of(secret) == registry]


def registry_of(secret: Manifest) -> str:
    """Return the Registry of whose a Secret is with which images are pulled; nothing for none."""
    metadata = secret["metadata"]
    if labels.REGISTRY not in (metadata.get("labels") or {}):
        return ""
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == "Registry":
            return str(owner.get("name", ""))
    return ""
