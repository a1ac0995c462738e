"""How the host of an Environment gets its certificate."""

from dataclasses import dataclass
from typing import Final, Literal

from kapsa.core.conditions import Blocked
from kapsa.core.hosts.routing import route_absence
from kapsa.core.tls.wildcards import wildcard_name
from kapsa.core.workloads.configuration import name_of, references_of
from kapsa.models.domain_pool import CertManager, DomainPool, IssuerReference
from kapsa.models.environment import Environment
from kapsa.models.reasons import Reason
from kapsa.utils.names import join_digested

TlsSource = Literal["none", "secret", "copy", "certificate", "router"]


@dataclass(frozen=True)
class Tls:
    """Where the certificate of a host comes from.

    Attributes:
        source: `none`: there is none, and the host is spoken to by http. `secret`: a Secret that a
            person made. `copy`: a copy of a wildcard's Secret. `certificate`: a Certificate of the
            Environment's own. `router`: the router has it.
        secret: Name of the Secret, in the Environment's namespace, that the Ingress names; nothing
            where there is none.
    """

    source: TlsSource = "none"
    secret: str = ""

    @property
    def scheme(self) -> Literal["http", "https"]:
        """How the host is spoken to."""
        return "http" if self.source == "none" else "https"


NO_TLS: Final = Tls()
BY_ROUTER: Final = Tls("router")


def host_certificate_name(environment: str) -> str:
    """Return the name of an Environment's own Certificate, and of its Secret.

    No other object of the namespace has it, whatever Environments are called.
    """
    return join_digested(environment, "tls")


@dataclass(frozen=True)
class TlsRequest:
    """A host that may need a certificate.

    Attributes:
        environment: The Environment. Whether its namespace was made for its Project is taken from
            `projectRef`, which must have been found to be true.
        pool: The DomainPool that says how the host is routed.
        host: The host; nothing where there is none.
        zone: The zone of the pool that the host is in; nothing for a host of one's own.
        served: Whether the API server knows cert-manager's kinds.
    """

    environment: Environment
    pool: DomainPool | None
    host: str
    zone: str = ""
    served: bool = True


def tls_of(request: TlsRequest) -> Tls | Blocked:
    """Return where the certificate of the host comes from, or why it can't come from anywhere."""
    environment, pool = request.environment, request.pool
    said = environment.spec.ingress.tls
    if not request.host or route_absence(environment) or (said and said.enabled is False):
        return NO_TLS
    own = _own_secret(environment)
    offered = _offer(pool)
    if pool is not None and pool.spec.routing.kind == "Gateway":
        return _at_gateway(pool, own, offered)
    if own:
        return Tls("secret", own)
    return NO_TLS if pool is None or offered is None else _issued(request, pool, offered)


def _own_secret(environment: Environment) -> str:
    """Return the Secret that a person made, by its name in the Environment's namespace."""
    references = references_of(environment)
    return next((name_of(environment, item) for item in references if item.is_certificate), "")


def _offer(pool: DomainPool | None) -> CertManager | None:
    """Return how the pool's hosts get certificates; None where they get none."""
    offered = pool.spec.cert_manager if pool else None
    return None if offered is None or offered.mode == "none" else offered


def _at_gateway(pool: DomainPool, own: str, offered: CertManager | None) -> Tls | Blocked:
    if own:
        return _impossible(
            f"the hosts of DomainPool {pool.metadata.name} are led by a Gateway, which has its"
            " certificates at its listeners; leave spec.ingress.tls.secretName out"
        )
    return BY_ROUTER if offered else NO_TLS


def _issued(request: TlsRequest, pool: DomainPool, offered: CertManager) -> Tls | Blocked:
    """Return what cert-manager, or the router, has for the host."""
    environment, name = request.environment, pool.metadata.name
    wanted = Tls("certificate", host_certificate_name(environment.metadata.name))
    if offered.mode == "wildcard" and request.zone:
        if offered.delivery == "router":
            return BY_ROUTER
        if is_in_made_namespace(environment):
            wanted = Tls("copy", wildcard_name(name, request.zone))
    if wanted.source == "certificate":
        problem = _no_signature(request, name, offered.issuer_ref)
        if problem is not None:
            return problem
    return wanted if request.served else cert_manager_missing(pool)


def _no_signature(request: TlsRequest, pool: str, issuer: IssuerReference | None) -> Blocked | None:
    """Return why nobody signs a Certificate of the Environment's own; None where somebody does."""
    if issuer is None:
        return _impossible(
            f"host {request.host} is in no base domain of DomainPool {pool}, whose router has no"
            " certificate for it; name a Secret in spec.ingress.tls.secretName, or set"
            " spec.ingress.tls.enabled to false"
        )
    if issuer.kind == "Issuer":
        return _impossible(
            f"host {request.host} needs a certificate in namespace"
            f" {request.environment.metadata.namespace}, and Issuer {issuer.name} of DomainPool"
            f" {pool} signs only in the operator's own; ask an admin to name a ClusterIssuer"
            " there, or name a Secret in spec.ingress.tls.secretName"
        )
    return None


def is_in_made_namespace(environment: Environment) -> bool:
    """Tell whether the Environment is in a namespace that Kapsa made for its Project.

    The key of a wildcard is copied to no other: whoever may read Secrets there could take the
    hosts of everybody.
    """
    reference = environment.spec.project_ref
    return reference is not None and reference.namespace != environment.metadata.namespace


def cert_manager_missing(pool: DomainPool) -> Blocked:
    """Return what it means that the pool wants certificates, and there is no cert-manager."""
    return Blocked(
        Reason.CERT_MANAGER_MISSING,
        f"DomainPool {pool.metadata.name} wants certificates, but the cluster has no cert-manager;"
        " ask an admin to install it, or to set spec.certManager.mode of the pool to none",
        stalled=True,
    )


def _impossible(message: str) -> Blocked:
    return Blocked(Reason.TLS_IMPOSSIBLE, message, stalled=True)
