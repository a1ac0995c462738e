"""In which order the base domains of a DomainPool are tried for a new host."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from kapsa.models.domain_pool import DomainPool


@dataclass(frozen=True)
class Usage:
    """What the order depends on, beside the pool.

    Attributes:
        turn: How many hosts the pool has given so far, for strategy `round-robin`.
        hosts: Hosts that are held of the pool, for strategy `least-used`.
        chance: A random number from 0 up to, but not including, 1, for strategy `random`.
    """

    turn: int = 0
    hosts: Collection[str] = ()
    chance: float = 0.0


def base_order(pool: DomainPool, usage: Usage) -> tuple[str, ...]:
    """Return the pool's base domains, each once, the one to try first as the first."""
    bases = pool.spec.base_domains
    strategy = pool.spec.allocation_policy.strategy
    if strategy == "least-used":
        counts = count_by_base(bases, usage.hosts)
        return tuple(sorted(bases, key=lambda base: counts[base]))
    turn = int(usage.chance * len(bases)) if strategy == "random" else usage.turn
    start = turn % len(bases)
    return bases[start:] + bases[:start]


def count_by_base(bases: Sequence[str], hosts: Iterable[str]) -> dict[str, int]:
    """Return how many of the hosts each base domain has, in the order of `bases`.

    A host counts for the longest base domain that it is below; one that is below none, for none.
    """
    known = frozenset(bases)
    found = Counter(_base_of(host, known) for host in hosts)
    return {base: found[base] for base in bases}


def _base_of(host: str, bases: frozenset[str]) -> str:
    while host:
        host = host.partition(".")[2]
        if host in bases:
            return host
    return ""
