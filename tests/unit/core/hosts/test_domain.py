"""Which host an Environment gets, and which subdomain a Project."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapsa.core.conditions import Blocked
from kapsa.core.hosts.domain import (
    HostRequest,
    candidate_hosts,
    candidate_subdomains,
    host_name,
    with_parents,
    zone,
    zones_around,
)
from kapsa.models.reasons import Reason
from kapsa.utils.names import with_digest
from tests.builders import pool

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
HOST = re.compile(rf"({LABEL}\.)+{LABEL}")
POOL = pool("apps", "apps.example.com", "apps.example.org")
NESTED = pool("apps", "apps.example.com", "apps.example.org", naming="nested")
RESERVED = {"allocationPolicy": {"reservedSubdomains": ["www", "shop"]}}
LABELS = st.from_regex(LABEL, fullmatch=True)
POOLS = st.sampled_from([POOL, NESTED])
LONGEST = ".".join(["b" * 62, "c" * 62])
"""The longest base domain that a pool may have."""


def request(environment: str, subdomain: str = "shop", *, permanent: bool = False) -> HostRequest:
    """Return the wish of an Environment for a host."""
    return HostRequest(environment, subdomain, f"team-a/shop-{environment}", permanent)


def name_of(wanted: HostRequest, offered: Any) -> str:
    name = host_name(wanted, offered)
    assert isinstance(name, str)
    return name


def hosts_of(wanted: HostRequest, offered: Any) -> tuple[str, ...]:
    return candidate_hosts(name_of(wanted, offered), wanted.holder, offered.spec.base_domains)


@pytest.mark.parametrize(
    ("wanted", "flat", "nested"),
    [
        pytest.param(request("pr-7"), "pr-7-shop", "pr-7.shop", id="a-preview"),
        pytest.param(
            request("staging", permanent=True), "staging-shop", "staging.shop", id="a-permanent-one"
        ),
        pytest.param(request("production", permanent=True), "shop", "shop", id="the-primary-one"),
        pytest.param(
            request("production"),
            "production-shop",
            "production.shop",
            id="a-preview-called-like-the-primary-one",
        ),
        pytest.param(
            request("feature-a-0123456789"),
            "feature-a-0123456789-shop",
            "feature-a-0123456789.shop",
            id="one-whose-branch-gave-it-a-digest",
        ),
        pytest.param(
            request("Pr_7"),
            "pr-7-shop-212d8014b9cb",
            "pr-7-08b56d5778f7.shop",
            id="one-that-somebody-labelled-with-what-is-no-dns-label",
        ),
        pytest.param(request("web", ""), "web", "web", id="one-that-stands-alone"),
        pytest.param(
            HostRequest("production", "", "x", permanent=True),
            "production",
            "production",
            id="one-that-stands-alone-is-never-primary",
        ),
    ],
)
def test_hosts_are_named_as_the_pool_says(wanted: HostRequest, flat: str, nested: str) -> None:
    assert name_of(wanted, POOL) == flat
    assert name_of(wanted, NESTED) == nested


def test_the_primary_environment_is_the_pools_choice() -> None:
    live = request("live", permanent=True)

    assert name_of(live, pool(primaryEnvironment="live")) == "shop"
    assert name_of(live, pool(primaryEnvironment="live", naming="nested")) == "shop"


@pytest.mark.parametrize("name", ["pr-7-shop", "pr-7.shop", "shop"])
def test_each_base_domain_gives_the_plain_host_and_one_with_a_digest_in_its_first_label(
    name: str,
) -> None:
    first, dot, rest = name.partition(".")
    second = with_digest(first, "team-a/web") + dot + rest

    assert candidate_hosts(name, "team-a/web", ("b.org", "a.com")) == (
        f"{name}.b.org",
        f"{second}.b.org",
        f"{name}.a.com",
        f"{second}.a.com",
    )


@pytest.mark.parametrize("naming", ["flat", "nested"])
@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(request("www", ""), id="one-that-stands-alone"),
        pytest.param(request("production", "www", permanent=True), id="the-primary-one"),
    ],
)
def test_a_reserved_name_below_the_base_domain_is_given_to_nobody(
    wanted: HostRequest, naming: str
) -> None:
    found = host_name(wanted, pool("apps", naming=naming, **RESERVED))

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.SUBDOMAIN_RESERVED, True)
    assert "'www'" in found.message


def test_nothing_is_given_below_a_reserved_subdomain() -> None:
    reserving = pool("apps", naming="nested", **RESERVED)

    assert isinstance(host_name(request("pr-7"), reserving), Blocked)
    assert name_of(request("www", "cafe"), reserving) == "www.cafe"


@settings(max_examples=60, deadline=None)
@given(LABELS | st.text(max_size=80), LABELS | st.just(""), st.booleans(), POOLS)
def test_every_host_is_a_valid_name_however_long_its_parts_are(
    environment: str, subdomain: str, permanent: bool, offered: Any
) -> None:
    wanted = request(environment, subdomain, permanent=permanent)
    bases = (LONGEST, "x")

    hosts = candidate_hosts(name_of(wanted, offered), wanted.holder, bases)

    assert len(set(hosts)) == 4
    for host in hosts:
        assert HOST.fullmatch(host)
        assert len(host) <= 253


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=2, max_size=2, unique=True), LABELS, POOLS)
def test_environments_of_one_project_want_distinct_hosts(
    environments: list[str], subdomain: str, offered: Any
) -> None:
    one, other = (hosts_of(request(name, subdomain), offered) for name in environments)

    assert not set(one) & set(other)


@settings(max_examples=60, deadline=None)
@given(LABELS, LABELS, st.booleans(), POOLS)
def test_a_host_is_in_the_zone_of_its_subdomain_unless_it_had_to_be_cut(
    environment: str, subdomain: str, permanent: bool, offered: Any
) -> None:
    name = name_of(request(environment, subdomain, permanent=permanent), offered)

    if offered is NESTED or name.endswith(subdomain):
        assert zone(subdomain, "b.org") in zones_around(name, "b.org")


@pytest.mark.parametrize(
    ("name", "zones"),
    [
        pytest.param("shop", ["shop.b.org"], id="the-subdomain-itself"),
        pytest.param(
            "pr-1-shop", ["pr-1-shop.b.org", "1-shop.b.org", "shop.b.org"], id="flat-below-it"
        ),
        pytest.param("pr-1.shop", ["pr-1.shop.b.org", "shop.b.org"], id="nested-below-it"),
        pytest.param(
            "x.my-shop",
            ["x.my-shop.b.org", "my-shop.b.org", "shop.b.org"],
            id="nested-below-what-is-flat-below-it",
        ),
    ],
)
def test_a_host_is_in_the_zones_around_it_whatever_the_naming(name: str, zones: list[str]) -> None:
    assert list(zones_around(name, "b.org")) == [*zones, "b.org", "org"]


def test_a_domain_is_below_its_parents() -> None:
    assert list(with_parents("a.b.org")) == ["a.b.org", "b.org", "org"]


def test_a_subdomain_that_is_asked_for_has_no_second_choice() -> None:
    assert candidate_subdomains("store", "shop", "team-a", POOL) == ("store",)


def test_the_default_subdomain_has_one() -> None:
    expected = ("shop", with_digest("shop", "team-a/shop"))

    assert candidate_subdomains(None, "shop", "team-a", POOL) == expected
    reserving = pool("apps", **RESERVED)
    assert candidate_subdomains(None, "shop", "team-a", reserving) == expected[1:]


@pytest.mark.parametrize("naming", ["flat", "nested"])
def test_a_reserved_subdomain_is_given_to_nobody(naming: str) -> None:
    reserving = pool("apps", naming=naming, **RESERVED)

    found = candidate_subdomains("www", "shop", "team-a", reserving)

    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == (Reason.SUBDOMAIN_RESERVED, True)


@pytest.mark.parametrize(
    ("offered", "given_away"),
    [
        pytest.param("shop.apps.example.com", False, id="it-is-a-base-domain"),
        pytest.param("more.shop.apps.example.org", False, id="a-base-domain-is-below-it"),
        pytest.param("shop.example.com", True, id="it-is-beside-a-base-domain"),
        pytest.param("myshop.apps.example.com", True, id="it-ends-like-a-base-domain"),
    ],
)
def test_a_subdomain_never_covers_a_base_domain(offered: str, given_away: bool) -> None:
    found = candidate_subdomains("shop", "shop", "team-a", NESTED, frozenset({offered}))

    assert (found == ("shop",)) is given_away
