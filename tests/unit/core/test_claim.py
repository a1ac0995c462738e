"""Claims: one Lease for each host, and for each subdomain with its base domain."""

from typing import Any

import pytest

from kapsa.core.manifests.claim import ClaimKind, Holder, claim, claim_name

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


@pytest.mark.parametrize("kind", ["host", "subdomain"])
def test_a_name_has_one_claim_whatever_pool_gives_it(kind: ClaimKind) -> None:
    one, other = (
        claim(kind, pool=pool, wanted="a.example.com", holder=HOLDER, namespace="system")
        for pool in ("apps", "other")
    )

    assert one["metadata"]["name"] == other["metadata"]["name"]


def test_a_subdomain_has_a_claim_beside_that_of_the_host_of_its_name() -> None:
    assert claim_name("subdomain", "a.example.com") != claim_name("host", "a.example.com")


def test_hosts_that_read_alike_have_claims_of_their_own() -> None:
    hosts = ["a.b.example.com", "a-b.example.com", "a" * 63 + ".x.com", "a" * 63 + ".y.com"]

    assert len({claim_name("host", host) for host in hosts}) == len(hosts)
