"""Claims: one Lease for each host, and for each subdomain of a pool."""

from typing import Any

import pytest

from kapsa.core.manifests.claim import Holder, claim, claim_name

HOLDER = Holder("Environment", "team-a", "shop-pr-7", "uid-1")


def test_a_claim_tells_its_holder() -> None:
    lease = claim("host", pool="apps", wanted="a.example.com", holder=HOLDER, namespace="system")

    assert Holder.of(lease) == HOLDER


@pytest.mark.parametrize(
    "lease",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"metadata": {"annotations": None}, "spec": None}, id="null"),
    ],
)
def test_a_lease_of_somebody_else_has_no_known_holder(lease: dict[str, Any]) -> None:
    assert Holder.of(lease) == Holder("", "", "", "")


def test_a_host_has_one_claim_whatever_pool_gives_it() -> None:
    assert claim_name("host", "apps", "a.example.com") == claim_name("host", "b", "a.example.com")


def test_every_pool_gives_its_own_subdomains() -> None:
    assert claim_name("subdomain", "apps", "shop") != claim_name("subdomain", "other", "shop")


def test_hosts_that_read_alike_have_claims_of_their_own() -> None:
    hosts = ["a.b.example.com", "a-b.example.com", "a" * 63 + ".x.com", "a" * 63 + ".y.com"]

    assert len({claim_name("host", "apps", host) for host in hosts}) == len(hosts)
