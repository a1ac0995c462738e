"""Claims: one host, one holder, whatever the order."""

import asyncio

import pytest

from kapsa.adapters.errors import Waiting
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.state import State
from kapsa.core.conditions import Blocked
from kapsa.core.hosts.domain import zones_around
from kapsa.core.manifests.claim import Holder
from tests.builders import environment_manifest, project_manifest
from tests.unit.controllers.world import NAMESPACE, World, ingress

HOST = "pr-1-shop.apps.example.com"
SECOND = "pr-1-shop-0123456789.apps.example.com"


def holder(name: str = "web", kind: str = "Environment", uid: str = "") -> Holder:
    return Holder(kind, "team-a", name, uid or f"uid-{kind.lower()}-team-a-{name}")


@pytest.fixture
async def world() -> World:
    made = World()
    made.cluster.put(environment_manifest("web"), environment_manifest("other"))
    made.cluster.put(project_manifest("shop"), project_manifest("cafe"))
    return made


async def claim(world: World, *hosts: str, who: Holder | None = None) -> str | Blocked:
    return await world.claims.claim("host", "apps", hosts or (HOST,), who or holder())


async def test_who_creates_the_lease_has_the_host(world: World) -> None:
    assert await claim(world) == HOST
    assert world.claims.held("host", holder().uid) == [HOST]
    (write,) = world.cluster.writes
    assert (write.verb, write.kind, write.namespace) == ("create", "Lease", NAMESPACE)
    assert write.body["spec"] == {"holderIdentity": holder().uid}


async def test_of_a_hundred_claimants_one_gets_it(world: World) -> None:
    names = [f"env-{number}" for number in range(100)]
    world.cluster.put(*(environment_manifest(name) for name in names))
    world.cluster.watch_is_late = True
    # As many operators as claimants: none sees what another one's cache holds.
    operators = []
    for _ in names:
        state = State(NAMESPACE)
        world.cluster.feed(*state.all)
        operators.append(Claims(world.cluster, state, NAMESPACE))
    answers = await asyncio.gather(
        *(
            claims.claim("host", "apps", (HOST,), holder(name))
            for claims, name in zip(operators, names, strict=True)
        )
    )
    assert answers.count(HOST) == 1
    assert {a.reason for a in answers if isinstance(a, Blocked)} == {"HostTaken"}


async def test_claiming_again_is_no_second_claim(world: World) -> None:
    await claim(world)
    assert await claim(world) == HOST
    assert len(world.cluster.writes) == 1


async def test_after_a_crash_between_claim_and_status_the_claim_is_found_again(
    world: World,
) -> None:
    world.hold(HOST, holder="web", holder_uid=holder().uid)
    assert world.claims.held("host", holder().uid) == [HOST]
    assert await claim(world) == HOST
    assert world.written() == []


async def test_a_claim_whose_answer_was_lost_is_the_claimants(world: World) -> None:
    world.cluster.watch_is_late = True
    world.cluster.fail(Waiting("ApiServerUnavailable", "reset"), "create", late=True)
    with pytest.raises(Waiting):
        await claim(world)
    assert await claim(world) == HOST
    assert world.claims.held("host", holder().uid) == [HOST]


async def test_a_host_that_is_taken_gives_way_to_the_next_candidate(world: World) -> None:
    await claim(world, who=holder("other"))
    assert await claim(world, HOST, SECOND) == SECOND


async def test_where_all_are_taken_the_last_holder_is_named(world: World) -> None:
    await claim(world, who=holder("other"))
    answer = await claim(world)
    assert isinstance(answer, Blocked)
    assert (answer.reason, answer.stalled) == ("HostTaken", True)
    assert answer.message == (
        f"host {HOST} is held by Environment/team-a/other; choose another spec.domain.subdomain"
    )


async def test_without_a_candidate_there_is_no_host(world: World) -> None:
    answer = await world.claims.claim("host", "apps", (), holder())
    assert isinstance(answer, Blocked)


async def test_a_host_that_a_foreign_ingress_routes_is_refused(world: World) -> None:
    world.cluster.put(ingress("theirs", HOST))
    answer = await claim(world)
    assert isinstance(answer, Blocked)
    assert answer.reason == "HostTaken"
    assert "Ingress team-b/theirs" in answer.message
    assert await claim(world, HOST, SECOND) == SECOND


async def test_the_claimants_own_ingress_is_no_obstacle(world: World) -> None:
    reference = {"kind": "Environment", "uid": holder().uid, "controller": True}
    world.cluster.put(ingress("web", HOST, ownerReferences=[reference]))
    assert await claim(world) == HOST


async def test_the_route_of_a_former_holder_is_waited_for_though_its_claim_is_gone(
    world: World,
) -> None:
    reference = {"kind": "Environment", "uid": "uid-of-gone", "controller": True}
    managed = {"app.kubernetes.io/managed-by": "kapsa"}
    world.cluster.put(ingress("gone", HOST, ownerReferences=[reference], labels=managed))
    answer = await claim(world, HOST, SECOND)
    assert isinstance(answer, Blocked)
    assert answer.reason == "HostPending"
    assert world.written() == []
    world.cluster.remove("Ingress", "gone", "team-b")
    assert await claim(world) == HOST


async def test_a_label_makes_nobodys_route_kapsas(world: World) -> None:
    managed = {"app.kubernetes.io/managed-by": "kapsa"}
    world.cluster.put(ingress("theirs", HOST, labels=managed))
    answer = await claim(world)
    assert isinstance(answer, Blocked)
    assert answer.reason == "HostTaken"


async def test_a_claim_whose_holder_is_gone_is_waited_for(world: World) -> None:
    world.hold(HOST, holder="gone")
    answer = await claim(world, HOST, SECOND)
    assert isinstance(answer, Blocked)
    assert (answer.reason, answer.stalled, answer.retry_after) == ("HostPending", False, 1.0)
    assert "Environment/team-b/gone" in answer.message
    assert world.written() == [], "the second choice would be another URL for good"


async def test_a_claim_that_goes_at_that_moment_is_waited_for(world: World) -> None:
    world.cluster.watch_is_late = True
    world.hold(HOST)

    async def nothing(*_: object) -> None:
        """Find that it has gone."""

    world.cluster.get = nothing  # type: ignore[method-assign, assignment]
    answer = await claim(world)
    assert isinstance(answer, Blocked)
    assert answer.reason == "HostPending"


async def test_a_claim_that_a_tenant_invented_in_its_own_namespace_is_none(world: World) -> None:
    world.hold("bank.example.com", holder="web", holder_uid=holder().uid, namespace="team-a")
    assert world.claims.held("host", holder().uid) == []


def zones(subdomain: str, *bases: str) -> list[str]:
    return [f"{subdomain}.{base}" for base in bases or ("apps.example.com", "apps.example.org")]


async def test_a_subdomain_that_is_taken_names_its_holder(world: World) -> None:
    cafe, shop = holder("cafe", "Project"), holder("shop", "Project")
    assert await world.claims.claim_zones("apps", zones("shop"), cafe) is None
    answer = await world.claims.claim_zones("apps", zones("shop"), shop)
    assert answer is not None
    assert (answer.reason, answer.stalled) == ("SubdomainTaken", True)
    assert "'shop.apps.example.com' is held by Project/team-a/cafe" in answer.message


async def test_a_subdomain_is_held_below_all_base_domains_or_none(world: World) -> None:
    shop = holder("shop", "Project")
    world.hold("shop.apps.example.org", kind="subdomain", holder="cafe",
               holder_uid=holder("cafe", "Project").uid)  # fmt: skip
    answer = await world.claims.claim_zones("apps", zones("shop"), shop)
    assert answer is not None
    assert answer.reason == "SubdomainTaken"
    assert world.claims.held("subdomain", shop.uid) == []


async def test_of_several_projects_that_want_one_subdomain_one_gets_all_of_it(
    world: World,
) -> None:
    names = [f"project-{number}" for number in range(10)]
    world.cluster.put(*(project_manifest(name) for name in names))
    bases = ("a.org", "b.org", "c.org")
    orders = [bases if number % 2 else bases[::-1] for number in range(10)]
    answers = await asyncio.gather(
        *(
            world.claims.claim_zones("apps", zones("shop", *order), holder(name, "Project"))
            for name, order in zip(names, orders, strict=True)
        )
    )
    assert answers.count(None) == 1
    (winner,) = {lease["spec"]["holderIdentity"] for lease in world.state.claims}
    assert sorted(world.claims.held("subdomain", winner)) == zones("shop", *bases)


async def test_what_was_claimed_before_a_failure_is_the_holders(world: World) -> None:
    shop = holder("shop", "Project")
    world.cluster.fail(Waiting("ApiServerUnavailable", "reset"), "create", skip=1)
    with pytest.raises(Waiting):
        await world.claims.claim_zones("apps", zones("shop"), shop)
    assert world.claims.held("subdomain", shop.uid) == ["shop.apps.example.com"]
    assert await world.claims.claim_zones("apps", zones("shop"), shop) is None
    assert len(world.claims.held("subdomain", shop.uid)) == 2


async def test_pools_with_a_base_domain_in_common_give_a_subdomain_once(world: World) -> None:
    shop, cafe = holder("shop", "Project"), holder("cafe", "Project")
    await world.claims.claim_zones("apps", zones("shop"), shop)
    answer = await world.claims.claim_zones("other", zones("shop", "apps.example.org"), cafe)
    assert answer is not None
    assert answer.reason == "SubdomainTaken"
    assert await world.claims.claim_zones("other", zones("shop", "other.org"), cafe) is None
    assert len(world.claims.held("subdomain", shop.uid, "apps")) == 2
    assert world.claims.held("subdomain", shop.uid, "other") == []
    assert world.claims.held("host", shop.uid) == []


async def test_there_is_no_subdomain_in_that_of_another_project(world: World) -> None:
    shop, cafe = holder("shop", "Project"), holder("cafe", "Project")
    await world.claims.claim_zones("wide", ["apps.example.com"], cafe)
    answer = await world.claims.claim_zones("apps", ["shop.apps.example.com"], shop)
    assert answer is not None
    assert answer.reason == "SubdomainTaken"
    assert "held by Project/team-a/cafe" in answer.message
    assert await world.claims.claim_zones("apps", ["own.apps.example.com"], cafe) is None


async def test_the_holder_of_the_narrowest_zone_counts(world: World) -> None:
    shop, cafe = holder("shop", "Project"), holder("cafe", "Project")
    await world.claims.claim_zones("apps", ["shop.apps.example.com"], shop)
    await world.claims.claim_zones("apps", ["big-shop.apps.example.com"], cafe)
    await claim(world, "x.apps.example.com")
    around = zones_around("pr-1-big-shop", "apps.example.com")
    assert world.claims.zone_holder(around) == cafe
    assert world.claims.zone_holder(zones_around("pr-1.shop", "apps.example.com")) == shop
    assert world.claims.zone_holder(zones_around("workshop", "apps.example.com")) is None
    assert world.claims.zone_holder(["x.apps.example.com"]) is None, "a host is no zone"


async def test_release_gives_back_by_uid_what_is_not_kept(world: World) -> None:
    await claim(world)
    await claim(world, SECOND)
    world.written()
    await world.claims.release("host", holder().uid, keep={HOST})
    assert [write.verb for write in world.cluster.writes] == ["delete"]
    assert world.cluster.writes[0].uid
    assert world.claims.held("host", holder().uid) == [HOST]
    await world.claims.release("host", holder().uid)
    assert world.claims.held("host", holder().uid) == []


async def test_release_deletes_no_claim_that_was_made_anew(world: World) -> None:
    await claim(world)
    world.cluster.watch_is_late = True
    lease = next(iter(world.state.claims))["metadata"]["name"]
    world.cluster.remove("Lease", lease, NAMESPACE)
    world.hold(HOST, holder="other", holder_uid=holder("other").uid)
    await world.claims.release("host", holder().uid)
    assert world.cluster.has("Lease", lease, NAMESPACE)
