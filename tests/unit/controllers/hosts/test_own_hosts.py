"""A host of an Environment's own: claimed before it is routed, and given back after that."""

from typing import Any

import pytest

from kapsa.adapters.errors import Waiting
from tests.builders import environment_manifest, pool_manifest, project_manifest, uid
from tests.unit.controllers.environment_rig import DOMAIN, HOST, KEY, ready, reconcile, web
from tests.unit.controllers.world import World, ingress

WEB_UID = uid("Environment", "web", "team-a")
OWN, OTHER = "shop.example.com", "www.example.org"


@pytest.fixture
async def world() -> World:
    made = World()
    made.cluster.put(pool_manifest())
    return made


async def want(world: World, host: str | None = None, **changes: Any) -> float | None:
    """Have the Environment `web` want that host for its own, and reconcile it."""
    spec = {"ingress": {"host": host} if host else {}, "domain": DOMAIN} | changes
    if not world.cluster.has("Environment", "web", "team-a"):
        return await reconcile(world, web(**spec))
    live = world.cluster.live("Environment", "web", "team-a")
    return await reconcile(world, {**live, "spec": web(**spec)["spec"]})


def held(world: World) -> set[str]:
    return set(world.claims.held("host", WEB_UID))


def routed(world: World) -> list[str]:
    rules = world.cluster.live("Ingress", "web", "team-a")["spec"]["rules"]
    return [rule["host"] for rule in rules]


def shown(world: World) -> tuple[str, str]:
    status = world.status("Environment", "web", "team-a")
    return status.get("host", ""), status.get("url", "")


async def test_it_is_claimed_in_place_of_one_of_the_pool(world: World) -> None:
    await want(world, OWN)
    assert held(world) == {OWN}
    assert routed(world) == [OWN]
    assert shown(world) == (OWN, f"http://{OWN}")
    assert world.claims.hosts_of("apps") == {}
    world.written()
    await world.environments.reconcile(KEY)
    assert world.written() == []


async def test_one_that_changes_is_claimed_then_routed_and_the_former_one_given_back_last(
    world: World,
) -> None:
    await want(world, OWN)
    world.written()
    await want(world, OTHER)
    moves = [verb.split(" ")[:2] for verb in world.written()]
    assert moves[0] == ["create", "Lease"]
    assert moves[-3:] == [["apply", "Ingress"], ["delete", "Lease"], ["status", "Environment"]]
    assert held(world) == {OTHER}
    assert shown(world)[0] == OTHER


async def test_the_host_of_the_pool_stays_held_and_is_back_when_the_own_one_is_gone(
    world: World,
) -> None:
    await want(world)
    before = world.cluster.live("Ingress", "web", "team-a")["spec"]
    await want(world, OWN)
    assert held(world) == {HOST, OWN}
    assert routed(world) == [OWN]
    await want(world)
    assert held(world) == {HOST}
    assert shown(world)[0] == HOST
    assert world.cluster.live("Ingress", "web", "team-a")["spec"] == before


async def test_one_that_had_no_other_gets_one_of_the_pool_when_the_own_one_is_gone(
    world: World,
) -> None:
    await want(world, OWN)
    await want(world)
    assert held(world) == {HOST}
    assert routed(world) == [HOST]


async def test_one_that_is_taken_names_its_holder_and_what_runs_keeps_its_host(
    world: World,
) -> None:
    await want(world)
    world.cluster.put(environment_manifest("theirs", namespace="team-b"))
    world.hold(OWN, holder="theirs", holder_uid=uid("Environment", "theirs", "team-b"), pool="")
    world.written()
    assert await want(world, OWN) == 3600.0
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world) == ("False", "HostTaken")
    (said,) = [
        item["message"]
        for item in world.status("Environment", "web", "team-a")["conditions"]
        if item["type"] == "HostAllocated"
    ]
    assert said == (
        f"host {OWN} is held by Environment/team-b/theirs; choose another spec.ingress.host"
    )
    assert routed(world) == [HOST]
    assert shown(world) == (HOST, f"http://{HOST}")


async def test_one_that_somebody_else_routes_is_refused_and_no_other_is_given(
    world: World,
) -> None:
    world.cluster.put(ingress("theirs", OWN))
    await want(world, OWN)
    assert ready(world) == ("False", "HostTaken")
    assert held(world) == set()
    world.cluster.remove("Ingress", "theirs", "team-b")
    await world.environments.reconcile(KEY)
    assert routed(world) == [OWN]


async def test_a_route_of_a_wildcard_is_in_nobodys_way(world: World) -> None:
    world.cluster.put(ingress("default", "*.example.com"), ingress("backend", "*.apps.example.com"))
    await want(world, OWN)
    assert routed(world) == [OWN]
    await want(world)
    assert routed(world) == [HOST]


@pytest.mark.parametrize("host", ["apps.example.com", "x.apps.example.com", "a.b.other.test"])
async def test_none_is_in_a_base_domain_of_any_pool(world: World, host: str) -> None:
    world.cluster.put(pool_manifest("other", "other.test"))
    await want(world, host)
    assert ready(world) == ("False", "HostNotAllowed")
    assert held(world) == set()


async def test_none_is_in_a_subdomain_that_a_project_still_holds(world: World) -> None:
    world.cluster.put(project_manifest("theirs", namespace="team-b"))
    world.hold("theirs.gone.test", kind="subdomain", holder="theirs")
    await want(world, "pr-1-theirs.gone.test")
    assert ready(world) == ("False", "SubdomainTaken")


async def test_one_needs_a_pool_that_says_how_it_is_routed(world: World) -> None:
    await want(world, OWN)
    await want(world, OWN, domain=None)
    assert ready(world) == ("False", "InvalidSpec")
    assert routed(world) == [OWN]
    assert held(world) == {OWN}


async def test_one_is_for_the_namespaces_that_the_pool_is_for(world: World) -> None:
    world.cluster.put(pool_manifest(allowedNamespaces={"selector": {"matchLabels": {"team": "b"}}}))
    await want(world, OWN)
    assert ready(world) == ("False", "NamespaceNotAllowed")


async def test_one_is_kept_while_its_former_route_may_still_be_there(world: World) -> None:
    await want(world, OWN)
    # The apply was answered with an error, and nobody knows what it did.
    world.cluster.fail(Waiting("ApiServerUnavailable", "500"), "apply", "Ingress", late=True)
    await want(world, OTHER)
    assert held(world) == {OWN, OTHER}
    await world.environments.reconcile(KEY)
    assert held(world) == {OTHER}


async def test_a_route_that_the_cache_does_not_show_keeps_its_host(world: World) -> None:
    await want(world, OWN)
    world.cluster.watch_is_late = True
    live = world.cluster.live("Ingress", "web", "team-a")
    world.state.ingresses.observe("DELETED", live)
    live["metadata"]["finalizers"] = ["example.com/balancer"]
    world.cluster.put(live)
    world.state.environments.observe("MODIFIED", world.cluster.put(web()))
    await world.environments.reconcile(KEY)
    assert held(world) == {OWN}


async def test_a_host_stays_while_its_ingress_is_disabled(world: World) -> None:
    await want(world)
    await want(world, ingress={"enabled": False})
    assert not world.cluster.has("Ingress", "web", "team-a")
    assert held(world) == {HOST}
    assert shown(world) == (HOST, "")
    found = world.condition("IngressReady", "Environment", "web", "team-a")
    assert found == ("False", "IngressDisabled")
    await want(world)
    assert routed(world) == [HOST]


async def test_what_answers_no_requests_claims_no_host_and_keeps_the_one_it_has(
    world: World,
) -> None:
    await want(world, runtime={"kind": "worker"})
    assert held(world) == set()
    assert shown(world) == ("", "")
    await want(world)
    await want(world, runtime={"kind": "worker"})
    assert held(world) == {HOST}
    assert shown(world) == (HOST, "")
    found = world.condition("IngressReady", "Environment", "web", "team-a")
    assert found == ("False", "NothingToRoute")
