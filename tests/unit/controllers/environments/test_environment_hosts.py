"""The host of an Environment: claimed before it is routed, and given back after that."""

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from tests.builders import (
    pool_manifest,
    project_manifest,
    uid,
)
from tests.unit.controllers.environment_rig import DOMAIN, HOST, KEY, ready, reconcile, web
from tests.unit.controllers.world import World, ingress


@pytest.fixture
async def world() -> World:
    return World()


async def test_a_host_is_claimed_before_it_is_routed(world: World) -> None:
    world.cluster.put(pool_manifest())
    await reconcile(world, web(domain=DOMAIN))
    verbs = [write.verb + " " + write.kind for write in world.cluster.writes]
    assert verbs[0] == "create Lease"
    assert verbs[-2:] == ["apply Ingress", "status Environment"]
    assert world.status("Environment", "web", "team-a")["host"] == HOST
    world.written()
    await world.environments.reconcile(KEY)
    assert world.written() == []


async def test_a_host_never_moves(world: World) -> None:
    world.cluster.put(pool_manifest())
    await reconcile(world, web(domain=DOMAIN))
    await reconcile(world, pool_manifest("apps", "new.example.com"))
    assert world.status("Environment", "web", "team-a")["host"] == HOST
    world.cluster.remove("DomainPool", "apps")
    await world.environments.reconcile(KEY)
    assert world.cluster.has("Ingress", "web", "team-a")


async def test_a_host_that_is_not_wanted_any_more_is_given_back_after_its_route(
    world: World,
) -> None:
    world.cluster.put(pool_manifest())
    await reconcile(world, web(domain=DOMAIN))
    # A load balancer's controller holds the Ingress until it has cleaned up.
    route = world.cluster.live("Ingress", "web", "team-a")
    route["metadata"]["finalizers"] = ["example.com/balancer"]
    live = world.cluster.live("Environment", "web", "team-a")
    del live["spec"]["domain"]
    world.cluster.put(route)
    await reconcile(world, live)
    assert world.claims.held("host", uid("Environment", "web", "team-a")) == [HOST]
    world.cluster.remove("Ingress", "web", "team-a")
    await world.environments.reconcile(KEY)
    assert world.claims.held("host", uid("Environment", "web", "team-a")) == []


async def test_a_missing_pool_is_said_and_what_runs_keeps_running(world: World) -> None:
    await reconcile(world, web())
    world.written()
    assert await reconcile(world, web(domain=DOMAIN)) == 3600.0
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world) == ("False", "DomainPoolNotFound")
    assert world.cluster.has("Deployment", "web", "team-a")
    await reconcile(world, pool_manifest())
    assert ready(world)[1] != "DomainPoolNotFound"


async def test_a_claim_that_is_forbidden_is_said(world: World) -> None:
    world.cluster.put(pool_manifest())
    world.cluster.fail(Stalled("ApplyRefused", "leases is forbidden"), "create", "Lease")
    assert await reconcile(world, web(domain=DOMAIN)) == 3600.0
    assert ready(world) == ("False", "ApplyRefused")


async def test_a_claim_that_can_not_be_asked_for_now_is_put_off_as_a_whole(world: World) -> None:
    world.cluster.put(pool_manifest())
    world.cluster.fail(Waiting("ApiServerUnavailable", "500"), "create", "Lease")
    with pytest.raises(Waiting):
        await reconcile(world, web(domain=DOMAIN))


async def test_a_host_that_others_route_gives_way_to_one_with_a_digest(world: World) -> None:
    world.cluster.put(pool_manifest(), ingress("theirs", HOST))
    await reconcile(world, web(domain=DOMAIN))
    host = world.status("Environment", "web", "team-a")["host"]
    assert host != HOST
    assert host.startswith("web-web-")


async def test_the_host_has_the_slug_that_its_project_gave_it_however_it_is_named(
    world: World,
) -> None:
    shop = project_manifest("shop")
    world.cluster.put(pool_manifest("apps"), shop)
    labels = {"app.kubernetes.io/instance": "preview-blue-0123456789"}
    live = web(
        metadata={"labels": labels},
        domain={"domainPoolRef": {"name": "apps"}, "subdomain": "shop"},
        projectRef={"name": "shop", "namespace": "team-a", "uid": shop["metadata"]["uid"]},
    )
    await reconcile(world, live)
    found = world.cluster.live("Environment", "web", "team-a")
    assert found["status"]["host"] == "preview-blue-0123456789-shop.apps.example.com"
