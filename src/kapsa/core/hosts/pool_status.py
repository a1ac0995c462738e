"""The status of a DomainPool."""

from collections.abc import Mapping
from typing import Final

from kapsa.core.conditions import conditions_of, found, missing, progress
from kapsa.core.hosts.allocation import count_by_base
from kapsa.core.tls.pool_tls import NO_CERTIFICATES, PoolVerdict
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import (
    DomainAllocation,
    DomainPool,
    DomainPoolStatus,
    HostAllocation,
)
from kapsa.models.reasons import Reason

_MOST_ALLOCATIONS: Final = 100


def pool_status(
    pool: DomainPool,
    hosts: Mapping[str, str],
    now: str,
    certificates: PoolVerdict = NO_CERTIFICATES,
) -> DomainPoolStatus:
    """Return the status of a pool.

    A host counts for the longest base domain that it is below; one whose base domain the pool
    offers no more still counts in the total.

    Args:
        pool: The pool.
        hosts: The hosts that are held of it, each with its holder's `<namespace>/<name>`.
        now: RFC 3339 time of any change.
        certificates: What holds of its certificates.
    """
    generation = pool.metadata.generation
    problem = certificates.problem
    findings = (
        missing(ConditionType.READY, problem)
        if problem
        else found(ConditionType.READY, Reason.READY, f"{len(hosts)} hosts are held"),
        *certificates.findings,
        *progress(problem),
    )
    return DomainPoolStatus(
        observed_generation=generation,
        conditions=conditions_of(findings, pool.status.conditions, generation=generation, now=now),
        allocated=len(hosts),
        per_domain=tuple(
            DomainAllocation(domain=domain, allocated=count)
            for domain, count in count_by_base(pool.spec.base_domains, hosts).items()
        ),
        allocations=tuple(
            HostAllocation(host=host, holder=hosts[host])
            for host in sorted(hosts)[:_MOST_ALLOCATIONS]
        ),
    )
