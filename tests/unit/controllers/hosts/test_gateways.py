"""Environments whose pool routes by a Gateway of Gateway API."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.api_errors import NotFound
from kapsa.adapters.resources import HTTP_ROUTES
from kapsa.controllers.reconciling.cache import Cache
from tests.builders import pool_manifest
from tests.fakes import FakeCluster
from tests.unit.controllers.environment_rig import DOMAIN, HOST, ready, reconcile, roll_out, web
from tests.unit.controllers.virtual_time import cancel
from tests.unit.controllers.world import World

GATEWAY = {"kind": "Gateway", "gatewayRef": {"name": "public", "namespace": "gateways"}}


@pytest.fixture
async def world() -> World:
    return World()


def gateway_pool(**spec: Any) -> dict[str, Any]:
    return pool_manifest("apps", routing=GATEWAY, **spec)


async def test_a_gateways_environment_has_an_http_route_and_no_ingress(world: World) -> None:
    await reconcile(world, gateway_pool(), web(domain=DOMAIN))
    route = world.cluster.live("HTTPRoute", "web", "team-a")
    assert route["spec"]["hostnames"] == [HOST]
    assert route["spec"]["parentRefs"][0]["name"] == "public"
    assert not world.cluster.has("Ingress", "web", "team-a")


async def test_a_pool_that_changes_to_a_gateway_keeps_hosts_and_takes_ingresses_away(
    world: World,
) -> None:
    await reconcile(world, pool_manifest("apps"), web(domain=DOMAIN))
    assert world.cluster.has("Ingress", "web", "team-a")
    await reconcile(world, gateway_pool())
    assert world.cluster.live("HTTPRoute", "web", "team-a")["spec"]["hostnames"] == [HOST]
    assert not world.cluster.has("Ingress", "web", "team-a")


async def test_a_refused_route_is_said_where_people_look(world: World) -> None:
    await reconcile(world, gateway_pool(), web(domain=DOMAIN))
    roll_out(world)
    route = world.cluster.live("HTTPRoute", "web", "team-a")
    refused = {"type": "Accepted", "status": "False", "message": "no listener has that host"}
    world.cluster.put(route | {"status": {"parents": [{"conditions": [refused]}]}})
    await reconcile(world)
    assert ready(world) == ("False", "RouteRefused")


async def test_without_gateway_api_the_environment_says_so_and_keeps_its_ingress(
    world: World,
) -> None:
    await reconcile(world, pool_manifest("apps"), web(domain=DOMAIN))
    world.state.http_routes.is_served = False
    await reconcile(world, gateway_pool())
    assert ready(world) == ("False", "GatewayApiMissing")
    assert world.cluster.has("Ingress", "web", "team-a")


async def test_a_host_that_a_foreign_http_route_leads_is_given_to_nobody(world: World) -> None:
    world.cluster.put(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "theirs", "namespace": "team-b", "uid": "u"},
            "spec": {"hostnames": [HOST]},
        }
    )
    await reconcile(world, gateway_pool(), web(domain=DOMAIN))
    (host,) = world.cluster.live("HTTPRoute", "web", "team-a")["spec"]["hostnames"]
    assert host != HOST


async def test_a_kind_that_is_not_served_is_empty_and_no_reason_to_wait() -> None:
    cluster, cache = FakeCluster(), Cache(HTTP_ROUTES, optional=True)
    fault = cluster.fail(NotFound("Reconciling", "404 page not found"), verb="list", times=10**6)
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.wait_for(cache.ready.wait(), 1)
    served = [cache.is_served]
    fault.times = 0
    await asyncio.sleep(700)
    served.append(cache.is_served)
    assert served == [False, True]
    await cancel(task)


async def test_a_kind_that_must_be_served_is_waited_for() -> None:
    cluster, cache = FakeCluster(), Cache(HTTP_ROUTES)
    cluster.fail(NotFound("Reconciling", "404 page not found"), verb="list", times=10**6)
    cache.request_list()
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.sleep(60)
    assert not cache.ready.is_set()
    await cancel(task)
