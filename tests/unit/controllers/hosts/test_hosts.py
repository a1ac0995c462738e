"""Which host an Environment gets from a pool, beside others that want one."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled
from kapsa.core.projects.namespaces import common_namespace
from tests.builders import environment_manifest, pool_manifest, project, project_manifest, uid
from tests.unit.controllers.environment_rig import DOMAIN, KEY, ready, reconcile, web
from tests.unit.controllers.world import IMAGE, World

SHOP_UID = uid("Project", "shop", "team-a")
IN_SHOP = {"domainPoolRef": {"name": "apps"}, "subdomain": "shop"}
OF_SHOP = {"name": "shop", "namespace": "team-a", "uid": SHOP_UID}
BASES = ("apps.example.com", "apps.example.org")
FOR_A = {"selector": {"matchLabels": {"team": "a"}}}


@pytest.fixture
async def world() -> World:
    made = World()
    made.cluster.put(project_manifest("shop"))
    return made


def shops(name: str = "pr-1", **changes: Any) -> Manifest:
    """Return an Environment of the Project `shop`, called `web` in the cluster."""
    labels = {"app.kubernetes.io/instance": name}
    return web(metadata={"labels": labels}, domain=IN_SHOP, projectRef=OF_SHOP, **changes)


def alone(name: str, subdomain: str = "") -> Manifest:
    domain = {"domainPoolRef": {"name": "apps"}} | ({"subdomain": subdomain} if subdomain else {})
    return environment_manifest(name, domain=domain, image=IMAGE)


def hold_zone(world: World, name: str, holder_uid: str = SHOP_UID, pool: str = "apps") -> None:
    world.hold(name, kind="subdomain", holder="shop", holder_uid=holder_uid, pool=pool)


def host(world: World, name: str = "web") -> str:
    return str(world.status("Environment", name, "team-a").get("host", ""))


async def test_hosts_of_a_nested_pool_are_below_their_subdomain(world: World) -> None:
    world.cluster.put(pool_manifest(naming="nested"))
    await reconcile(world, shops())
    assert host(world) == "pr-1.shop.apps.example.com"


async def test_a_nested_host_that_is_taken_gets_a_digest_in_its_first_label(world: World) -> None:
    world.cluster.put(pool_manifest(naming="nested"), environment_manifest("other"))
    taken = "pr-1.shop.apps.example.com"
    world.hold(taken, holder="other", holder_uid=uid("Environment", "other", "team-a"))
    await reconcile(world, shops())
    first, _, rest = host(world).partition(".")
    assert first.startswith("pr-1-")
    assert rest == "shop.apps.example.com"


async def test_no_change_of_the_pool_moves_a_host(world: World) -> None:
    world.cluster.put(pool_manifest("apps", *BASES))
    await reconcile(world, shops())
    before = host(world)
    for spec in (
        {"naming": "nested"},
        {"allocationPolicy": {"strategy": "least-used"}},
        {"allocationPolicy": {"reservedSubdomains": ["shop"]}},
        {"primaryEnvironment": "pr-1"},
        {"allowedNamespaces": FOR_A},
    ):
        await reconcile(world, pool_manifest("apps", *BASES[::-1], **spec))
        assert host(world) == before
        assert ready(world)[1] != "NamespaceNotAllowed"
    assert world.claims.held("host", uid("Environment", "web", "team-a")) == [before]


@pytest.mark.parametrize("naming", ["flat", "nested"])
@pytest.mark.parametrize(
    ("name", "subdomain"),
    [
        pytest.param("shop", "", id="the-subdomain-itself"),
        pytest.param("pr-1-shop", "", id="flat-below-it"),
        pytest.param("pr-1", "shop", id="with-the-subdomain-of-the-project"),
        pytest.param("pr-1", "my-shop", id="with-a-subdomain-that-is-flat-below-it"),
    ],
)
async def test_one_that_stands_alone_gets_no_host_in_a_projects_subdomain(
    world: World, naming: str, name: str, subdomain: str
) -> None:
    hold_zone(world, "shop.apps.example.com")
    world.cluster.put(pool_manifest(naming=naming), alone(name, subdomain))
    await world.environments.reconcile(("team-a", name))
    found = world.condition("Ready", "Environment", name, "team-a")
    assert found == ("False", "SubdomainTaken")
    assert world.claims.hosts_of("apps") == {}


@pytest.mark.parametrize("naming", ["flat", "nested"])
@pytest.mark.parametrize("name", ["workshop", "shop-1", "pr-1"])
async def test_one_that_stands_alone_gets_a_host_beside_it(
    world: World, naming: str, name: str
) -> None:
    hold_zone(world, "shop.apps.example.com")
    world.cluster.put(pool_manifest(naming=naming), alone(name))
    await world.environments.reconcile(("team-a", name))
    assert host(world, name) == f"{name}.apps.example.com"


async def test_a_subdomain_of_another_pool_counts_below_a_base_domain_in_common(
    world: World,
) -> None:
    hold_zone(world, "shop.apps.example.com", pool="other")
    world.cluster.put(pool_manifest("apps", *BASES), alone("shop"))
    await world.environments.reconcile(("team-a", "shop"))
    assert host(world, "shop") == "shop.apps.example.org"


async def test_a_projects_environments_have_hosts_where_it_holds_the_subdomain(
    world: World,
) -> None:
    hold_zone(world, "shop.apps.example.com", holder_uid="uid-of-another")
    hold_zone(world, "shop.apps.example.org")
    world.cluster.put(pool_manifest("apps", *BASES))
    await reconcile(world, shops())
    assert host(world) == "pr-1-shop.apps.example.org"


async def test_a_base_domain_below_which_its_project_has_not_claimed_yet_is_left_out(
    world: World,
) -> None:
    hold_zone(world, "shop.apps.example.org")
    world.cluster.put(pool_manifest("apps", *BASES))
    await reconcile(world, shops())
    assert host(world) == "pr-1-shop.apps.example.org"


async def test_a_subdomain_below_that_of_its_own_project_is_no_strangers(world: World) -> None:
    hold_zone(world, "shop.apps.example.com")
    world.cluster.put(pool_manifest())
    live = shops()
    live["spec"]["domain"] = IN_SHOP | {"subdomain": "my-shop"}
    await reconcile(world, live)
    assert host(world) == "pr-1-my-shop.apps.example.com"


async def test_an_environment_in_the_subdomain_of_another_project_gets_no_host(
    world: World,
) -> None:
    hold_zone(world, "shop.apps.example.com", holder_uid="uid-of-another")
    world.cluster.put(pool_manifest())
    await reconcile(world, shops())
    assert ready(world) == ("False", "SubdomainTaken")


async def give(world: World, count: int) -> list[str]:
    """Return the base domains of the hosts of so many Environments that come one by one."""
    for number in range(count):
        world.cluster.put(alone(f"web-{number}"))
        await world.environments.reconcile(("team-a", f"web-{number}"))
    return [host(world, f"web-{number}").partition(".")[2] for number in range(count)]


def spread(strategy: str) -> Manifest:
    return pool_manifest("apps", *BASES, allocationPolicy={"strategy": strategy})


async def test_base_domains_are_taken_in_turn(world: World) -> None:
    world.cluster.put(spread("round-robin"))
    assert await give(world, 4) == [*BASES, *BASES]


async def test_the_base_domain_with_the_fewest_hosts_is_next(world: World) -> None:
    for number in range(2):
        world.hold(f"held-{number}.{BASES[0]}")
    world.hold(f"held.{BASES[0]}", pool="other")
    world.cluster.put(spread("least-used"))
    assert await give(world, 4) == [BASES[1], BASES[1], BASES[0], BASES[1]]


async def test_chance_picks_the_base_domain(world: World) -> None:
    world.cluster.put(spread("random"))
    world.chance = 0.7
    assert await give(world, 2) == [BASES[1], BASES[1]]


@pytest.mark.parametrize("strategy", ["round-robin", "least-used"])
async def test_hosts_are_spread_even_before_the_cache_knows(world: World, strategy: str) -> None:
    world.cluster.put(spread(strategy), *(alone(f"web-{number}") for number in range(8)))
    world.cluster.watch_is_late = True
    await asyncio.gather(
        *(world.environments.reconcile(("team-a", f"web-{number}")) for number in range(8))
    )
    given = Counter(name.partition(".")[2] for name in world.claims.hosts_of("apps"))
    assert given == dict.fromkeys(BASES, 4)


def namespace(name: str = "team-a", **labels: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


async def test_a_pool_that_is_for_other_namespaces_gives_no_host(world: World) -> None:
    world.cluster.put(pool_manifest(allowedNamespaces=FOR_A), namespace(team="b"))
    assert await reconcile(world, web(domain=DOMAIN)) == 600.0
    assert ready(world) == ("False", "NamespaceNotAllowed")
    assert world.condition("Stalled", "Environment", "web", "team-a")[0] == "True"
    assert world.claims.hosts_of("apps") == {}
    world.cluster.put(namespace(team="a"))
    await world.environments.reconcile(KEY)
    assert host(world) == "web-web.apps.example.com"


async def test_the_namespace_of_the_project_counts(world: World) -> None:
    home = common_namespace(project("shop"))
    made = namespace(home, team="b")
    made["metadata"]["labels"] |= {
        "app.kubernetes.io/managed-by": "kapsa",
        "kapsa-project.io/owner-uid": SHOP_UID,
    }
    world.cluster.put(pool_manifest(allowedNamespaces=FOR_A), made, namespace(team="a"))
    live = shops()
    live["metadata"]["namespace"] = home
    world.cluster.put(live)
    await world.environments.reconcile((home, "web"))
    status = world.status("Environment", "web", home)
    assert status["host"] == "pr-1-shop.apps.example.com"


async def test_no_namespace_is_read_for_a_pool_for_all_nor_for_a_host_that_is_held(
    world: World,
) -> None:
    world.cluster.put(pool_manifest())
    await reconcile(world, web(domain=DOMAIN))
    # Whether a new Environment has a namespace of its own is asked once, whatever its pool says.
    assert [read for read in world.cluster.reads if "Namespace" in read] == ["get Namespace team-a"]
    world.cluster.reads.clear()
    await reconcile(world, pool_manifest(allowedNamespaces=FOR_A))
    assert not [read for read in world.cluster.reads if "Namespace" in read]


async def test_a_namespace_that_may_not_be_read_is_said(world: World) -> None:
    world.cluster.put(pool_manifest(allowedNamespaces=FOR_A))
    world.cluster.fail(Stalled("ApplyRefused", "namespaces is forbidden"), "get", "Namespace")
    await reconcile(world, web(domain=DOMAIN))
    assert ready(world) == ("False", "ApplyRefused")


async def test_an_invalid_pool_is_said_to_be_that(world: World) -> None:
    world.cluster.put(pool_manifest("apps", "NOT A HOST"))
    assert await reconcile(world, web(domain=DOMAIN)) == 3600.0
    assert ready(world) == ("False", "InvalidSpec")
