"""Which host an Environment gets from a DomainPool."""

from collections.abc import Sequence
from dataclasses import dataclass

from kapsa.core.conditions import READY, Blocked, conditions_of, found
from kapsa.models.domain_pool import DomainAllocation, DomainPool, DomainPoolStatus
from kapsa.models.reasons import Reason
from kapsa.utils.names import join, slug, with_digest


@dataclass(frozen=True)
class HostRequest:
    """Who wants a host.

    Attributes:
        environment: What tells the environment from others of its Project, such as `pr-42`.
        subdomain: The name below the base domain; nothing for an Environment that stands alone.
        holder: `<namespace>/<name>` of the Environment, for the digest of a second choice.
        permanent: Whether it can be the pool's primary environment.
    """

    environment: str
    subdomain: str
    holder: str
    permanent: bool = False


def candidate_hosts(request: HostRequest, pool: DomainPool, turn: int) -> tuple[str, ...] | Blocked:
    """Return the hosts to try, best first; the first that can be claimed is the one.

    Args:
        request: Who wants a host.
        pool: Where from.
        turn: How many hosts the pool has given so far: base domains are taken in turn.

    Returns:
        For each base domain, beginning with the one whose turn it is, the plain host and one with
        a digest of the holder; or why there is none.
    """
    label = _label(request, pool)
    reserved = pool.spec.allocation_policy.reserved_subdomains
    if label in reserved:
        return Blocked(
            Reason.SUBDOMAIN_RESERVED,
            f"DomainPool {pool.metadata.name} reserves {label!r}; choose another subdomain"
            " in spec.domain.subdomain",
            stalled=True,
        )
    bases = pool.spec.base_domains
    start = turn % len(bases)
    ordered = bases[start:] + bases[:start]
    second = with_digest(label, request.holder)
    return tuple(f"{name}.{base}" for base in ordered for name in (label, second))


def _label(request: HostRequest, pool: DomainPool) -> str:
    if not request.subdomain:
        return slug(request.environment)
    if request.permanent and request.environment == pool.spec.primary_environment:
        return request.subdomain
    return join(request.environment, request.subdomain)


def candidate_subdomains(
    asked_for: str | None, project: str, namespace: str, pool: DomainPool
) -> tuple[str, ...] | Blocked:
    """Return the subdomains that a Project may claim, best first.

    One that a person asked for has no second choice. The default is the Project's name, then the
    name with a digest, since Projects of other namespaces may be called the same.
    """
    reserved = pool.spec.allocation_policy.reserved_subdomains
    choices = (
        (asked_for,) if asked_for else (project, with_digest(project, f"{namespace}/{project}"))
    )
    allowed = tuple(choice for choice in choices if choice not in reserved)
    if allowed:
        return allowed
    return Blocked(
        Reason.SUBDOMAIN_RESERVED,
        f"DomainPool {pool.metadata.name} reserves the subdomain {asked_for!r};"
        " choose another in spec.domain.subdomain",
        stalled=True,
    )


def pool_status(pool: DomainPool, hosts: Sequence[str], now: str) -> DomainPoolStatus:
    """Return the status of a pool from which `hosts` are held.

    A host counts for the longest base domain that it is below; one whose base domain the pool
    offers no more still counts in the total.
    """
    counts = dict.fromkeys(pool.spec.base_domains, 0)
    for host in hosts:
        bases = [base for base in counts if host.endswith(f".{base}")]
        if bases:
            counts[max(bases, key=len)] += 1
    generation = pool.metadata.generation
    findings = (found(READY, Reason.READY, f"{len(hosts)} hosts are held"),)
    return DomainPoolStatus(
        observed_generation=generation,
        conditions=conditions_of(findings, pool.status.conditions, generation=generation, now=now),
        allocated=len(hosts),
        per_domain=tuple(
            DomainAllocation(domain=domain, allocated=count) for domain, count in counts.items()
        ),
    )
