"""The status of a DomainPool."""

from collections.abc import Sequence

from kapsa.core.allocation import count_by_base
from kapsa.core.conditions import conditions_of, found
from kapsa.models.conditions import ConditionType
from kapsa.models.domain_pool import DomainAllocation, DomainPool, DomainPoolStatus
from kapsa.models.reasons import Reason


def pool_status(pool: DomainPool, hosts: Sequence[str], now: str) -> DomainPoolStatus:
    """Return the status of a pool from which `hosts` are held.

    A host counts for the longest base domain that it is below; one whose base domain the pool
    offers no more still counts in the total.
    """
    generation = pool.metadata.generation
    findings = (found(ConditionType.READY, Reason.READY, f"{len(hosts)} hosts are held"),)
    return DomainPoolStatus(
        observed_generation=generation,
        conditions=conditions_of(findings, pool.status.conditions, generation=generation, now=now),
        allocated=len(hosts),
        per_domain=tuple(
            DomainAllocation(domain=domain, allocated=count)
            for domain, count in count_by_base(pool.spec.base_domains, hosts).items()
        ),
    )
