"""Which host an Environment gets."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapsa.core.conditions import Blocked, find
from kapsa.core.domain import HostRequest, candidate_hosts, candidate_subdomains, pool_status
from kapsa.models.reasons import Reason
from kapsa.utils.names import with_digest
from tests.builders import pool

HOST = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+example\.(com|org)")
POOL = pool("apps", "apps.example.com", "apps.example.org")
RESERVING = pool("apps", allocationPolicy={"reservedSubdomains": ["www", "shop"]})
LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def request(environment: str, subdomain: str = "shop", *, permanent: bool = False) -> HostRequest:
    """Return the wish of an Environment for a host."""
    return HostRequest(environment, subdomain, f"team-a/shop-{environment}", permanent)


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        pytest.param(request("pr-7"), "pr-7-shop", id="a-preview"),
        pytest.param(request("staging", permanent=True), "staging-shop", id="a-permanent-one"),
        pytest.param(request("production", permanent=True), "shop", id="the-primary-one"),
        pytest.param(
            request("production"), "production-shop", id="a-preview-called-like-the-primary-one"
        ),
        pytest.param(request("web", ""), "web", id="one-that-stands-alone"),
        pytest.param(
            HostRequest("production", "", "x", permanent=True),
            "production",
            id="one-that-stands-alone-is-never-primary",
        ),
    ],
)
def test_hosts_are_flat(wanted: HostRequest, label: str) -> None:
    second = with_digest(label, wanted.holder)

    assert candidate_hosts(wanted, POOL, 0) == (
        f"{label}.apps.example.com",
        f"{second}.apps.example.com",
        f"{label}.apps.example.org",
        f"{second}.apps.example.org",
    )


def test_the_primary_environment_is_the_pools_choice() -> None:
    hosts = candidate_hosts(request("live", permanent=True), pool(primaryEnvironment="live"), 0)

    assert not isinstance(hosts, Blocked)
    assert hosts[0] == "shop.apps.example.com"


def test_base_domains_are_taken_in_turn() -> None:
    firsts = []
    for turn in range(4):
        hosts = candidate_hosts(request("pr-7"), POOL, turn)
        assert not isinstance(hosts, Blocked)
        firsts.append(hosts[0].partition(".")[2])

    assert firsts == ["apps.example.com", "apps.example.org"] * 2


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(request("www", ""), id="one-that-stands-alone"),
        pytest.param(request("production", "www", permanent=True), id="the-primary-one"),
    ],
)
def test_a_reserved_host_is_given_to_nobody(wanted: HostRequest) -> None:
    found = candidate_hosts(wanted, RESERVING, 0)

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.SUBDOMAIN_RESERVED, True)
    assert "'www'" in found.message


@settings(max_examples=40, deadline=None)
@given(LABELS, LABELS | st.just(""), st.booleans(), st.integers(0, 10**6))
def test_every_host_is_valid_and_a_single_label_below_its_base_domain(
    environment: str, subdomain: str, permanent: bool, turn: int
) -> None:
    hosts = candidate_hosts(request(environment, subdomain, permanent=permanent), POOL, turn)

    assert not isinstance(hosts, Blocked)
    assert len(set(hosts)) == 4
    for host in hosts:
        assert HOST.fullmatch(host)
        assert host.partition(".")[2] in POOL.spec.base_domains


@settings(max_examples=40, deadline=None)
@given(st.lists(LABELS, min_size=2, max_size=2, unique=True), LABELS)
def test_environments_of_one_project_want_distinct_hosts(
    environments: list[str], subdomain: str
) -> None:
    one, other = (candidate_hosts(request(name, subdomain), POOL, 0) for name in environments)

    assert not isinstance(one, Blocked)
    assert not isinstance(other, Blocked)
    assert one[0] != other[0]


def test_a_subdomain_that_is_asked_for_has_no_second_choice() -> None:
    assert candidate_subdomains("store", "shop", "team-a", POOL) == ("store",)


def test_the_default_subdomain_has_one() -> None:
    expected = ("shop", with_digest("shop", "team-a/shop"))

    assert candidate_subdomains(None, "shop", "team-a", POOL) == expected
    assert candidate_subdomains(None, "shop", "team-a", RESERVING) == expected[1:]


def test_a_reserved_subdomain_is_given_to_nobody() -> None:
    found = candidate_subdomains("www", "shop", "team-a", RESERVING)

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.SUBDOMAIN_RESERVED, True)


def test_the_status_of_a_pool_counts_hosts_by_their_longest_base_domain() -> None:
    nested = pool("apps", "example.com", "apps.example.com", "unused.example.com")
    hosts = ["a.example.com", "b.apps.example.com", "c.apps.example.com", "d.gone.test"]

    status = pool_status(nested, hosts, "2026-01-01T00:00:00Z")

    assert status.allocated == 4
    assert {item.domain: item.allocated for item in status.per_domain} == {
        "example.com": 1,
        "apps.example.com": 2,
        "unused.example.com": 0,
    }
    ready = find(status.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.message) == ("True", "4 hosts are held")
