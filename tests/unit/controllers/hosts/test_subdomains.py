"""The subdomain of a Project: one name below every base domain of its pool."""

from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.hosts.subdomains import Subdomains
from kapsa.controllers.indexes import HOST
from kapsa.controllers.offers import Offers
from kapsa.core.conditions import Blocked
from tests.builders import pool_manifest, project, project_manifest, uid
from tests.unit.controllers.world import World

A, B, C = "a.example.com", "b.example.com", "c.example.com"
SHOP = uid("Project", "shop", "team-a")
CAFE = uid("Project", "cafe", "team-a")
FOR_A = {"selector": {"matchLabels": {"team": "a"}}}


@pytest.fixture
async def world() -> World:
    made = World()
    made.cluster.put(project_manifest("shop"), project_manifest("cafe"))
    made.cluster.put(pool_manifest("apps", B, A))
    return made


async def see_to(
    world: World, name: str = "shop", pool: str = "apps", subdomain: str = ""
) -> str | Blocked | None:
    domain: dict[str, Any] = {"domainPoolRef": {"name": pool}}
    if subdomain:
        domain["subdomain"] = subdomain
    offers = Offers(world.cluster, world.state)
    return await Subdomains(world.claims, offers).see_to(project(name, domain=domain))


def zones(world: World, holder_uid: str = SHOP) -> list[str]:
    return sorted(world.claims.held("subdomain", holder_uid))


async def test_it_is_held_below_every_base_domain(world: World) -> None:
    assert await see_to(world) == "shop"
    assert zones(world) == [f"shop.{A}", f"shop.{B}"]
    world.written()
    assert await see_to(world) == "shop"
    assert world.written() == []


async def test_a_default_that_is_taken_gets_a_digest_and_one_asked_for_does_not(
    world: World,
) -> None:
    await see_to(world, "cafe", subdomain="shop")
    found = await see_to(world, subdomain="shop")
    assert isinstance(found, Blocked)
    assert found.reason == "SubdomainTaken"
    found = await see_to(world)
    assert isinstance(found, str)
    assert found.startswith("shop-")
    assert zones(world) == [f"{found}.{A}", f"{found}.{B}"]


async def test_pools_with_a_base_domain_in_common_give_it_to_one_project(world: World) -> None:
    world.cluster.put(pool_manifest("other", A, C))
    await see_to(world, "cafe", "other", "shop")
    found = await see_to(world, subdomain="shop")
    assert isinstance(found, Blocked)
    assert found.reason == "SubdomainTaken"
    assert zones(world) == []


async def test_a_base_domain_that_the_pool_gets_later_is_claimed(world: World) -> None:
    await see_to(world)
    world.cluster.put(pool_manifest("apps", B, C))
    assert await see_to(world) == "shop"
    assert zones(world) == [f"shop.{A}", f"shop.{B}", f"shop.{C}"], "hosts of the former stay"


async def test_where_another_project_has_it_the_others_are_kept(world: World) -> None:
    world.cluster.put(pool_manifest("other", C))
    await see_to(world, "cafe", "other", "shop")
    await see_to(world)
    world.cluster.put(pool_manifest("apps", A, B, C))
    assert await see_to(world) == "shop"
    assert zones(world) == [f"shop.{A}", f"shop.{B}"]
    assert zones(world, CAFE) == [f"shop.{C}"]


async def test_a_claim_that_is_being_cleaned_up_is_waited_for(world: World) -> None:
    await see_to(world)
    world.hold(f"shop.{C}", kind="subdomain", holder="gone")
    world.cluster.put(pool_manifest("apps", A, B, C))
    found = await see_to(world)
    assert isinstance(found, Blocked)
    assert (found.reason, found.stalled) == ("HostPending", False)


async def test_the_claim_of_a_project_that_is_gone_gets_no_second_choice(world: World) -> None:
    world.hold(f"shop.{A}", kind="subdomain", holder="gone")
    found = await see_to(world)
    assert isinstance(found, Blocked)
    assert found.reason == "HostPending"
    assert zones(world) == []


async def test_another_subdomain_replaces_the_former_at_once(world: World) -> None:
    await see_to(world, subdomain="old")
    assert await see_to(world, subdomain="new") == "new"
    assert zones(world) == [f"new.{A}", f"new.{B}"]


async def test_another_pool_keeps_what_is_below_a_base_domain_in_common(world: World) -> None:
    world.cluster.put(pool_manifest("other", A, C))
    await see_to(world)
    (before,) = world.state.claims.find(HOST, f"shop.{A}")
    assert await see_to(world, pool="other") == "shop"
    assert zones(world) == [f"shop.{A}", f"shop.{C}"]
    (after,) = world.state.claims.find(HOST, f"shop.{A}")
    assert after["metadata"]["uid"] == before["metadata"]["uid"], "nobody could take it meanwhile"


async def test_what_a_former_pool_gave_stays_though_the_new_one_reserves_it(world: World) -> None:
    await see_to(world)
    reserving = {"reservedSubdomains": ["shop"]}
    world.cluster.put(pool_manifest("other", A, allocationPolicy=reserving))
    assert await see_to(world, pool="other") == "shop"
    assert zones(world) == [f"shop.{A}"]


async def test_without_a_domain_all_is_given_back(world: World) -> None:
    await see_to(world)
    offers = Offers(world.cluster, world.state)
    assert await Subdomains(world.claims, offers).see_to(project("shop")) is None
    assert zones(world) == []


async def test_what_is_held_stays_while_there_is_no_pool(world: World) -> None:
    await see_to(world)
    world.cluster.remove("DomainPool", "apps")
    assert await see_to(world) == "shop"
    assert len(zones(world)) == 2


async def test_a_base_domain_of_another_pool_is_no_subdomain(world: World) -> None:
    world.cluster.put(pool_manifest("other", f"eu.shop.{A}"))
    found = await see_to(world, subdomain="shop")
    assert isinstance(found, Blocked)
    assert found.reason == "SubdomainReserved"


@pytest.mark.parametrize("error", [Stalled("ApplyRefused", "no"), Waiting("X", "down")])
async def test_a_failure_is_told(world: World, error: Exception) -> None:
    world.cluster.fail(error, "create", "Lease")
    found = await see_to(world)
    assert isinstance(found, Blocked)
    assert found.reason == error.reason  # type: ignore[attr-defined]


def namespace(**labels: str) -> Manifest:
    metadata = {"name": "team-a", "labels": labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


async def test_a_namespace_that_may_not_use_the_pool_gets_none_and_keeps_its_own(
    world: World,
) -> None:
    world.cluster.put(pool_manifest("apps", A, allowedNamespaces=FOR_A), namespace())
    found = await see_to(world)
    assert isinstance(found, Blocked)
    assert found.reason == "NamespaceNotAllowed"
    assert zones(world) == []

    world.cluster.put(namespace(team="a"))
    assert await see_to(world) == "shop"
    world.cluster.put(namespace(team="b"))
    assert isinstance(await see_to(world), Blocked)
    assert zones(world) == [f"shop.{A}"]


async def test_no_namespace_is_read_for_a_pool_for_all(world: World) -> None:
    await see_to(world)
    assert not [read for read in world.cluster.reads if "Namespace" in read]
