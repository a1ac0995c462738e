"""Knows where the certificate of an Environment's host comes from, and whether it is there."""

from dataclasses import dataclass

from kapsa.controllers.certificates.certificates import Certificates
from kapsa.controllers.certificates.secrets import CertificateSecrets
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.state import State
from kapsa.core.conditions import Blocked, find
from kapsa.core.tls.tls import TlsRequest, tls_of
from kapsa.core.tls.tls_status import TlsInput
from kapsa.core.tls.wildcards import zone_of
from kapsa.core.workloads.configuration import Configuration
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment


@dataclass(frozen=True)
class HostTls:
    """Gathers what is known of the certificates of hosts.

    Attributes:
        state: The caches.
        claims: Knows which subdomains are held.
        certificates: Orders certificates.
        secrets: Makes copies of wildcards.
    """

    state: State
    claims: Claims
    certificates: Certificates
    secrets: CertificateSecrets

    def see_to(
        self,
        environment: Environment,
        pool: DomainPool | None,
        host: str | Blocked | None,
        configuration: Configuration | Blocked | None,
    ) -> TlsInput:
        """Return what is known of the certificate, and see to the copy where one is used.

        Args:
            environment: The Environment.
            pool: Where its host is from.
            host: The host that it holds, or why it holds none.
            configuration: What it gets of the Secrets that it names, or why it doesn't.
        """
        name = host if isinstance(host, str) else ""
        zone = zone_of(name, pool, self.claims.is_subdomain) if pool and name else ""
        wanted = tls_of(
            TlsRequest(environment, pool, name, zone, served=self.state.certificates.is_served)
        )
        if isinstance(wanted, Blocked) or wanted.source not in ("copy", "secret"):
            return TlsInput(wanted)
        if wanted.source == "secret":
            return TlsInput(
                wanted, problem=configuration if isinstance(configuration, Blocked) else None
            )
        key = (environment.metadata.namespace, wanted.secret)
        copied = self.secrets.is_copied(key)
        if not copied:
            self.secrets.queue.add(key)
        return TlsInput(
            wanted,
            wildcard=self.state.certificates.get(self.certificates.namespace, wanted.secret),
            copied=copied,
            problem=self.secrets.problem(key) or _before(environment),
        )


def _before(environment: Environment) -> Blocked | None:
    """Return why there was no copy at the last look.

    Just after a start nobody has looked yet, and a restart writes nothing.
    """
    before = find(environment.status.conditions, ConditionType.TLS_READY)
    if before is None or before.status == "True":
        return None
    return Blocked(before.reason, before.message)
