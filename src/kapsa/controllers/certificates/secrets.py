"""Keeps copies of wildcard certificates where they are used, and removes what nobody uses.

A key is the namespace and name of a Secret. A copy is made once for a namespace, however many
Ingresses there name it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import CERTIFICATES, SECRETS
from kapsa.controllers.certificates.certificates import is_issued
from kapsa.controllers.indexes import CERTIFICATE, UID, tls_secrets
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key, Manifest, key_of, uid_of
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.state import State, parse
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.drift import needs_apply, stamp
from kapsa.core.manifests.certificate_copy import certificate_copy
from kapsa.core.projects.namespaces import is_made_for
from kapsa.models.project import Project

_SOURCE_RETRY = 5.0
"""Seconds between two looks for the content of a certificate that is said to be issued."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CertificateSecrets:
    """Sees to the Secrets with certificates.

    Attributes:
        cluster: The API.
        state: The caches.
        applier: Writes copies.
        namespace: The operator's namespace, where wildcards are issued.
        queue: Secrets to look at.
        on_change: Called with Environments whose copy can't be made any more, or again.
    """

    cluster: Cluster
    state: State
    applier: Applier
    namespace: str
    queue: Queue[Key]
    on_change: Callable[[Key], None]
    _problems: dict[Key, Blocked] = field(default_factory=dict)

    def look_at_all(self) -> None:
        """Look at every Secret that is, or should be, a copy, or that was issued for Kapsa."""
        for ingress in self.state.ingresses:
            self.look_at_used_by(ingress)
        for secret in self.state.secrets:
            self.look_at(secret)

    def look_at(self, secret: Manifest) -> None:
        """Look at a Secret that changed, and at the copies of it; others are passed over."""
        if not (secret["metadata"].get("labels") or {}).get(labels.CERTIFICATE):
            return
        self.queue.add(key_of(secret))
        self.look_at_copies(key_of(secret))

    def look_at_copies(self, source: Key) -> None:
        """Look at the copies of what is, or would be, the Secret of a wildcard."""
        if source[0] == self.namespace:
            for namespace in {where for where, _ in self._users(source[1])}:
                self.queue.add((namespace, source[1]))

    def look_at_used_by(self, ingress: Manifest) -> None:
        """Look at the Secrets that an Ingress names."""
        for name in tls_secrets(ingress):
            self.queue.add((key_of(ingress)[0], name))

    def users(self, secret: Key) -> tuple[Key, ...]:
        """Return the Environments whose Ingresses name the Secret, or the wildcard it is of."""
        namespace, name = secret
        everywhere = namespace == self.namespace
        owners = (owner for where, owner in self._users(name) if everywhere or where == namespace)
        return tuple(
            key_of(environment)
            for owner in owners
            for environment in self.state.environments.find(UID, owner)
        )

    def is_copied(self, key: Key) -> bool:
        """Tell whether there is the copy."""
        copy, namespace = self.state.secrets.get(*key), self.state.namespaces.get("", key[0])
        return copy is not None and namespace is not None and _is_of(copy, namespace)

    def problem(self, key: Key) -> Blocked | None:
        """Return why the copy can't be made; None where it can, or nobody has tried yet."""
        return self._problems.get(key)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one Secret in order; return the seconds after which to look again."""
        if self._is_named(key):
            return await self._keep(key) if key[0] != self.namespace else None
        self._problems.pop(key, None)
        secret = self.state.secrets.get(*key)
        if secret is not None and await self._is_left_over(secret):
            await self.applier.delete(secret)
        return None

    async def _keep(self, key: Key) -> float | None:
        """Have the copy say what the wildcard's Secret says, where there is a wildcard."""
        made = self._made_namespace(key[0])
        if made is None or self.state.certificates.get(self.namespace, key[1]) is None:
            return None
        if self._is_in_step(key, made):
            self._note(key, None)
            return None
        try:
            source = await self.cluster.get(SECRETS, key[1], self.namespace)
            if source is None or not is_issued(source) or not _is_complete(source):
                return _SOURCE_RETRY
            await self.applier.apply(_copy(source, made), lambda live: _is_of(live, made))
        except AdapterError as error:
            failure = interpret(error)
            self._note(key, failure.blocked)
            return failure.retry_after
        self._note(key, None)
        return None

    def _note(self, key: Key, problem: Blocked | None) -> None:
        before = self._problems.pop(key, None)
        if problem is not None:
            self._problems[key] = problem
        if before != problem:
            for environment in self.users(key):
                self.on_change(environment)

    def _is_in_step(self, key: Key, made: Manifest) -> bool:
        """Tell whether the caches, which have digests of the contents, show nothing to do."""
        source = self.state.secrets.get(self.namespace, key[1])
        live = self.state.secrets.get(*key)
        if source is None or live is None or not _is_of(live, made):
            return False
        return not needs_apply(_copy(source, made), live)

    def _made_namespace(self, name: str) -> Manifest | None:
        """Return the namespace, if it was made for a Project: no other gets a wildcard's key."""
        live = self.state.namespaces.get("", name)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return None
        for uid in labels.owner_uids(live):
            for manifest in self.state.projects.find(UID, uid):
                project = parse(Project, manifest)
                if isinstance(project, Project) and is_made_for(live, project):
                    return live
        return None

    def _is_named(self, key: Key) -> bool:
        return any(namespace == key[0] for namespace, _ in self._users(key[1]))

    def _users(self, secret: str) -> Iterable[tuple[str, str]]:
        """Yield namespace and owner of each Ingress that names the Secret."""
        for ingress in self.state.ingresses.find(CERTIFICATE, secret):
            yield key_of(ingress)[0], labels.controller_uid(ingress)

    async def _is_left_over(self, secret: Manifest) -> bool:
        """Tell whether the Secret is a copy, or one whose Certificate is gone."""
        namespace, name = key_of(secret)
        own = secret["metadata"].get("labels") or {}
        if own.get(labels.CERTIFICATE) != name or secret["metadata"].get("deletionTimestamp"):
            return False
        if not is_issued(secret):
            made = self.state.namespaces.get("", namespace)
            return made is not None and _is_of(secret, made)
        if self.state.certificates.get(namespace, name) is not None:
            return False
        if self._is_suspended(namespace, own.get(labels.ENVIRONMENT, "")):
            return False
        return await self.cluster.get(CERTIFICATES, name, namespace) is None

    def _is_suspended(self, namespace: str, environment: str) -> bool:
        """Tell whether nothing of an Environment is to be deleted, or of its Project."""
        spec = (self.state.environments.get(namespace, environment) or {}).get("spec") or {}
        project = (spec.get("projectRef") or {}).get("uid", "")
        specs = (item.get("spec") or {} for item in self.state.projects.find(UID, project))
        return any(item.get("suspend") for item in (spec, *specs))


def _copy(source: Manifest, made: Manifest) -> Manifest:
    metadata = made["metadata"]
    return stamp(
        certificate_copy(
            source,
            namespace=metadata["name"],
            namespace_uid=uid_of(made),
            owner_uid=(metadata.get("labels") or {}).get(labels.OWNER_UID, ""),
            owner=(metadata.get("annotations") or {}).get(labels.OWNER, ""),
        )
    )


def _is_of(secret: Manifest, made: Manifest) -> bool:
    """Tell whether the Secret was made once for the namespace."""
    return labels.is_owned_by(secret, uid_of(made))


def _is_complete(source: Manifest) -> bool:
    data = source.get("data") or {}
    return bool(data.get("tls.crt") and data.get("tls.key"))
