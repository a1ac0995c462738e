"""The condition `TLSReady` of an Environment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from kapsa.core.conditions import Blocked, Finding, find, found, missing
from kapsa.core.tls.certificates import certificate_problem, ready_reason
from kapsa.core.tls.tls import NO_TLS, Tls
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import DomainPool
from kapsa.models.reasons import Reason

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class TlsInput:
    """What is known of an Environment's certificate.

    Attributes:
        wanted: Where it comes from, or why it can't come from anywhere.
        wildcard: The live Certificate of the zone, for source `copy`; None where there is none.
        copied: Whether the copy of its Secret is in the Environment's namespace.
        problem: Why it is not; or why there is no Secret that a person made, for source `secret`.
    """

    wanted: Tls | Blocked = NO_TLS
    wildcard: Manifest | None = None
    copied: bool = False
    problem: Blocked | None = None

    @property
    def refusal(self) -> Blocked | None:
        """Why it can't come from anywhere; None where it can, or needn't."""
        return self.wanted if isinstance(self.wanted, Blocked) else None

    @property
    def scheme(self) -> Literal["http", "https"]:
        """How the host is spoken to; nobody falls back to http where a certificate is missing."""
        return "https" if self.refusal else self.tls.scheme

    @property
    def tls(self) -> Tls:
        """Where the certificate comes from; what can't come from anywhere is none."""
        return self.wanted if isinstance(self.wanted, Tls) else NO_TLS


@dataclass(frozen=True)
class CertificateState:
    """What holds of the certificate of an Environment's host.

    Attributes:
        findings: The condition `TLSReady`; nothing where the host is to have no certificate.
        problem: Why the Environment can't be Ready; None where that is not for its certificate.
    """

    findings: tuple[Finding, ...] = ()
    problem: Blocked | None = None


def certificate_state(
    known: TlsInput, own: Manifest | None, pool: DomainPool | None
) -> CertificateState:
    """Return what holds of the certificate, in cert-manager's own words where it knows.

    Args:
        known: What is known.
        own: The live Certificate of the Environment's own, for source `certificate`.
        pool: The DomainPool. Where its issuer can't sign, it knows why, while a Certificate only
            says that it waits.
    """
    tls = known.tls
    live = own if tls.source == "certificate" else known.wildcard
    problem = known.refusal or _problem(known, live, pool)
    if problem is not None:
        return CertificateState(
            (missing(ConditionType.TLS_READY, problem),), _in_our_words(problem)
        )
    if tls.source == "none":
        return CertificateState()
    return CertificateState((_in_place(tls, live),))


def _problem(known: TlsInput, live: Manifest | None, pool: DomainPool | None) -> Blocked | None:
    tls = known.tls
    if tls.source not in ("copy", "certificate"):
        return known.problem
    problem = certificate_problem(live, tls.secret)
    if problem is not None:
        return replace(problem, message=problem.message + _of_issuer(pool))
    if tls.source == "certificate" or known.copied:
        return None
    return known.problem or Blocked(
        Reason.CERTIFICATE_PENDING, f"Secret {tls.secret} is being copied"
    )


def _in_our_words(problem: Blocked) -> Blocked:
    """Return the problem with a reason of Kapsa's own, as `Ready` has it."""
    if isinstance(problem.reason, Reason):
        return problem
    failed = problem.reason == "Failed"
    return replace(
        problem, reason=Reason.CERTIFICATE_FAILED if failed else Reason.CERTIFICATE_PENDING
    )


def _of_issuer(pool: DomainPool | None) -> str:
    issuer = find(pool.status.conditions, ConditionType.ISSUER_READY) if pool else None
    return f"; {issuer.message}" if issuer and issuer.status == "False" else ""


def _in_place(tls: Tls, live: Manifest | None) -> Finding:
    if tls.source == "router":
        return found(ConditionType.TLS_READY, Reason.TLS_BY_ROUTER)
    if tls.source == "secret":
        return found(ConditionType.TLS_READY, Reason.TLS_BY_SECRET, f"Secret {tls.secret}")
    message = f"Certificate {tls.secret} is issued"
    return Finding(ConditionType.TLS_READY, True, ready_reason(live or {}), message)
