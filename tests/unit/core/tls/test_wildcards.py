"""Zones of wildcard certificates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.tls.wildcards import dns_names, wanted_zones, wildcard_name, zone_of
from kapsa.models import DomainPool
from tests.builders import pool

ISSUER = {"issuerRef": {"name": "letsencrypt"}}


def offered(naming: str = "flat", **cert_manager: object) -> DomainPool:
    """Return a pool with two base domains, one of them below the other, and an issuer."""
    return pool(
        "apps", "example.com", "apps.example.com", naming=naming, certManager=ISSUER | cert_manager
    )


@pytest.mark.parametrize(
    ("naming", "host", "claimed", "zone"),
    [
        pytest.param("flat", "pr-1-shop.apps.example.com", "", "apps.example.com", id="flat"),
        pytest.param("flat", "web.example.com", "", "example.com", id="the other base domain"),
        pytest.param(
            "flat",
            "shop.apps.example.com",
            "shop.apps.example.com",
            "apps.example.com",
            id="a flat host that is called like its Project's subdomain",
        ),
        pytest.param(
            "flat",
            "pr-1.shop.apps.example.com",
            "shop.apps.example.com",
            "shop.apps.example.com",
            id="one that nested before the naming changed",
        ),
        pytest.param(
            "nested",
            "pr-1.shop.apps.example.com",
            "shop.apps.example.com",
            "shop.apps.example.com",
            id="nested",
        ),
        pytest.param(
            "nested",
            "shop.apps.example.com",
            "shop.apps.example.com",
            "shop.apps.example.com",
            id="a nested host that is called like its Project's subdomain",
        ),
        pytest.param(
            "nested", "web.apps.example.com", "", "apps.example.com", id="one that stands alone"
        ),
        pytest.param("flat", "shop.example.org", "", "", id="a host of one's own"),
        pytest.param("flat", "notexample.com", "", "", id="one that only ends alike"),
    ],
)
def test_the_zone_of_a_host(naming: str, host: str, claimed: str, zone: str) -> None:
    assert zone_of(host, offered(naming), lambda name: name == claimed) == zone


@pytest.mark.parametrize(
    ("given_pool", "hosts", "subdomains", "zones"),
    [
        pytest.param(
            offered(),
            (),
            (),
            ("apps.example.com", "example.com"),
            id="flat: each base domain, in use or not",
        ),
        pytest.param(
            offered(),
            tuple(f"pr-{number}-shop.apps.example.com" for number in range(1000)),
            ("shop.apps.example.com",),
            ("apps.example.com", "example.com"),
            id="flat: a thousand previews need no more",
        ),
        pytest.param(offered("nested"), (), (), (), id="nested: none before anybody has anything"),
        pytest.param(
            offered("nested"),
            ("pr-1.shop.apps.example.com", "shop.apps.example.com"),
            ("shop.apps.example.com", "shop.example.com"),
            ("shop.apps.example.com", "shop.example.com"),
            id="nested: each subdomain that is held",
        ),
        pytest.param(
            offered("nested"),
            ("web.apps.example.com", "x.gone.apps.example.com"),
            (),
            ("apps.example.com", "gone.apps.example.com"),
            id="nested: whatever a held host is in",
        ),
        pytest.param(
            offered("nested"), ("a.b.example.org",), ("b.example.org",), (), id="of no base domain"
        ),
        pytest.param(offered(mode="perHost"), ("a.example.com",), (), (), id="one for each host"),
        pytest.param(offered(mode="none"), ("a.example.com",), (), (), id="none at all"),
        pytest.param(
            pool("apps", "example.com", certManager={"delivery": "router"}),
            ("a.example.com",),
            (),
            (),
            id="a router with one of its own",
        ),
        pytest.param(
            pool("apps", "example.com", certManager=ISSUER | {"delivery": "router"}),
            (),
            (),
            ("example.com",),
            id="one that is issued for the router",
        ),
        pytest.param(pool("apps", "example.com"), ("a.example.com",), (), (), id="without TLS"),
    ],
)
def test_which_zones_need_a_certificate(
    given_pool: DomainPool,
    hosts: tuple[str, ...],
    subdomains: tuple[str, ...],
    zones: tuple[str, ...],
) -> None:
    assert wanted_zones(given_pool, hosts, set(subdomains), subdomains.__contains__) == zones


def test_the_certificate_of_a_subdomain_is_for_the_subdomain_too() -> None:
    assert dns_names("shop.example.com", offered("nested")) == (
        "*.shop.example.com",
        "shop.example.com",
    )
    assert dns_names("apps.example.com", offered("nested")) == ("*.apps.example.com",)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=2, max_size=2, unique=True))
def test_no_two_pools_or_zones_share_the_name_of_a_certificate(
    pairs: list[tuple[str, str]],
) -> None:
    usual = [(one.replace("\n", ""), other.replace("\n", "")) for one, other in pairs]
    first, second = (wildcard_name(*pair) for pair in usual)
    assert (first == second) == (usual[0] == usual[1])
    assert len(first) <= 63
