"""What a DomainPool says of its issuer and its wildcard certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kapsa.core.conditions import Blocked, Finding, found, missing
from kapsa.core.tls.certificates import certificate_problem, issuer_problem
from kapsa.core.tls.tls import cert_manager_missing
from kapsa.core.tls.wildcards import issues_wildcards
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import DomainPool, IssuerReference
from kapsa.models.reasons import Reason

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class PoolTls:
    """What is known of the certificates of a pool.

    Attributes:
        served: Whether the API server knows cert-manager's kinds.
        issuer: The live issuer; None where there is none, or why nobody could tell.
        certificates: The Certificates of its zones by name, in order; None for one that is not
            live.
        failure: What went wrong while they were ordered.
    """

    served: bool = True
    issuer: Manifest | Blocked | None = None
    certificates: Mapping[str, Manifest | None] = field(default_factory=dict)
    failure: Blocked | None = None


@dataclass(frozen=True)
class PoolVerdict:
    """What the conditions of a pool say of its certificates.

    Attributes:
        findings: Its conditions of them; none where it offers none that Kapsa has to do with.
        problem: Why the pool is not Ready; None where that is not for its certificates.
    """

    findings: tuple[Finding, ...] = ()
    problem: Blocked | None = None


NO_CERTIFICATES: Final = PoolVerdict()


def judge_pool(pool: DomainPool, known: PoolTls) -> PoolVerdict:
    """Return what holds of the pool's issuer and certificates."""
    offered = pool.spec.cert_manager
    if offered is None or offered.mode == "none" or offered.issuer_ref is None:
        return NO_CERTIFICATES
    issuer = offered.issuer_ref
    signs = _issuer_obstacle(pool, issuer, known)
    findings = [
        missing(ConditionType.ISSUER_READY, signs)
        if signs
        else found(ConditionType.ISSUER_READY, Reason.ISSUER_READY, f"{issuer.kind} {issuer.name}")
    ]
    if not issues_wildcards(offered):
        return PoolVerdict(tuple(findings), signs)
    pending = known.failure or (_pending(known) if known.served else signs)
    count = len(known.certificates)
    findings.append(
        missing(ConditionType.CERTIFICATE_READY, pending)
        if pending
        else found(
            ConditionType.CERTIFICATE_READY,
            Reason.CERTIFICATE_READY,
            f"{count} of {count} wildcard certificates are issued",
        )
    )
    return PoolVerdict(tuple(findings), signs or pending)


def _issuer_obstacle(pool: DomainPool, issuer: IssuerReference, known: PoolTls) -> Blocked | None:
    if not known.served:
        return cert_manager_missing(pool)
    if isinstance(known.issuer, Blocked):
        return known.issuer
    return issuer_problem(known.issuer, issuer.kind, issuer.name)


def _pending(known: PoolTls) -> Blocked | None:
    """Return how many of the pool's wildcards are not issued, and why the first of them is not."""
    problems = [
        problem
        for name, live in known.certificates.items()
        if (problem := certificate_problem(live, name)) is not None
    ]
    if not problems:
        return None
    return Blocked(
        Reason.CERTIFICATE_PENDING,
        f"{len(problems)} of {len(known.certificates)} wildcard certificates are not issued:"
        f" {problems[0].message}",
    )
