"""Which base domain of a pool a new host gets."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.hosts.allocation import Usage, base_order, count_by_base
from tests.builders import pool

A, B, C = "a.example.com", "b.example.com", "c.example.com"
STRATEGIES = ["round-robin", "random", "least-used"]


def order(strategy: str, usage: Usage) -> tuple[str, ...]:
    return base_order(pool("apps", A, B, C, allocationPolicy={"strategy": strategy}), usage)


@pytest.mark.parametrize(
    ("strategy", "usage", "expected"),
    [
        pytest.param("round-robin", Usage(turn=0), (A, B, C), id="the-first-turn"),
        pytest.param("round-robin", Usage(turn=4), (B, C, A), id="the-fifth-turn"),
        pytest.param(
            "round-robin", Usage(0, (f"x.{A}",), 0.9), (A, B, C), id="turns-need-no-counts"
        ),
        pytest.param("random", Usage(chance=0.0), (A, B, C), id="the-lowest-chance"),
        pytest.param("random", Usage(chance=0.34), (B, C, A), id="a-middling-chance"),
        pytest.param("random", Usage(chance=0.999999), (C, A, B), id="the-highest-chance"),
        pytest.param("random", Usage(turn=1), (A, B, C), id="chance-needs-no-turn"),
        pytest.param("least-used", Usage(turn=1), (A, B, C), id="ties-by-the-pools-order"),
        pytest.param(
            "least-used",
            Usage(hosts=(f"x.{A}", f"y.{A}", f"x.y.{C}")),
            (B, C, A),
            id="the-fewest-hosts-first",
        ),
        pytest.param(
            "least-used", Usage(hosts=(f"x.{A}", "x.gone.test")), (B, C, A), id="foreign-ones-don't"
        ),
    ],
)
def test_the_strategy_decides_the_order(
    strategy: str, usage: Usage, expected: tuple[str, ...]
) -> None:
    assert order(strategy, usage) == expected


@given(
    st.sampled_from(STRATEGIES),
    st.integers(0, 10**6),
    st.lists(st.sampled_from([f"x.{A}", f"y.{B}", "z.other.test"])),
    st.floats(0, 1, exclude_max=True),
)
def test_every_base_domain_is_tried_once(
    strategy: str, turn: int, hosts: list[str], chance: float
) -> None:
    assert sorted(order(strategy, Usage(turn, hosts, chance))) == [A, B, C]


@pytest.mark.parametrize("strategy", ["round-robin", "least-used"])
def test_hosts_are_spread_evenly(strategy: str) -> None:
    hosts: list[str] = []
    for turn in range(30):
        hosts.append(f"host-{turn}.{order(strategy, Usage(turn, hosts))[0]}")

    assert Counter(count_by_base((A, B, C), hosts)) == Counter(dict.fromkeys((A, B, C), 10))


def test_a_host_counts_for_the_longest_base_domain_that_it_is_below() -> None:
    bases = ("example.com", "apps.example.com", "unused.example.com")
    hosts = ["a.example.com", "b.apps.example.com", "c.d.apps.example.com", "e.gone.test"]

    assert count_by_base(bases, hosts) == {
        "example.com": 1,
        "apps.example.com": 2,
        "unused.example.com": 0,
    }


def test_a_base_domain_that_is_a_host_itself_counts_for_the_one_above() -> None:
    assert count_by_base(("example.com", "apps.example.com"), ["apps.example.com"]) == {
        "example.com": 1,
        "apps.example.com": 0,
    }
