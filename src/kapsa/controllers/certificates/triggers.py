"""Which key a change of a certificate, or of what uses it, puts into which queue."""

from collections.abc import Callable
from dataclasses import dataclass

from kapsa.controllers.certificates.secrets import CertificateSecrets
from kapsa.controllers.indexes import REFERENCE
from kapsa.controllers.reconciling.cache import Key, Manifest, key_of
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.state import State
from kapsa.controllers.triggers import keeps_the_same, while_active
from kapsa.core import labels
from kapsa.models.conditions import ConditionType


@dataclass(frozen=True)
class CertificateTriggers:
    """Listens to the caches and fills the queues.

    Attributes:
        state: The caches.
        environments: Queue of Environments.
        domain_pools: Queue of DomainPools.
        secrets: Sees to the Secrets with certificates.
        is_active: Tells whether the queues are being worked off.
    """

    state: State
    environments: Queue[Key]
    domain_pools: Queue[Key]
    secrets: CertificateSecrets
    is_active: Callable[[], bool] = lambda: True

    def subscribe(self) -> None:
        """Begin to listen."""
        for cache, listener in (
            (self.state.certificates, self._certificate),
            (self.state.secrets, self._secret),
            (self.state.ingresses, self._ingress),
            (self.state.domain_pools, self._domain_pool),
        ):
            cache.subscribe(while_active(self.is_active, listener))

    def _certificate(self, before: Manifest | None, after: Manifest | None) -> None:
        if keeps_the_same(before, after):
            return
        for manifest in filter(None, (after or before,)):
            self.secrets.queue.add(key_of(manifest))
            self.secrets.look_at_copies(key_of(manifest))
            self._look_at_users(key_of(manifest))
            owner = labels.controller_uid(manifest)
            for pool in self.state.domain_pools:
                if pool["metadata"].get("uid") == owner:
                    self.domain_pools.add(key_of(pool))

    def _secret(self, before: Manifest | None, after: Manifest | None) -> None:
        for manifest in filter(None, (after or before,)):
            self.secrets.look_at(manifest)
            if (before is None) != (after is None):
                self._look_at_users(key_of(manifest))

    def _ingress(self, before: Manifest | None, after: Manifest | None) -> None:
        if keeps_the_same(before, after):
            return
        for manifest in filter(None, (before, after)):
            self.secrets.look_at_used_by(manifest)

    def _domain_pool(self, before: Manifest | None, after: Manifest | None) -> None:
        """Listen to what the pool says of its issuer: Certificates say only that they wait."""
        if before is None or after is None or _issuer(before) == _issuer(after):
            return
        reference = f"domainpool/{after['metadata']['name']}"
        for environment in self.state.environments.find(REFERENCE, reference):
            self.environments.add(key_of(environment))

    def _look_at_users(self, secret: Key) -> None:
        for environment in self.secrets.users(secret):
            self.environments.add(environment)


def _issuer(pool: Manifest) -> tuple[object, object]:
    """Return what the pool's condition of its issuer says."""
    for condition in (pool.get("status") or {}).get("conditions") or ():
        if condition.get("type") == ConditionType.ISSUER_READY:
            return condition.get("status"), condition.get("message")
    return None, None
