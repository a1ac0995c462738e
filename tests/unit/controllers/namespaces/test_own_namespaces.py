"""An Environment that stands alone in a namespace of its own: what guards that, and no other."""

from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.cli.previews.objects import namespace
from tests.builders import environment_manifest, pool_manifest
from tests.unit.controllers.environment_rig import DOMAIN
from tests.unit.controllers.world import IMAGE, World

MINE = "mine"
KEY = (MINE, "web")
BOUNDS: Any = {"resource_quota": {"pods": "5"}, "limit_range": {"max": {"memory": "1Gi"}}}
GUARDS = {
    "ServiceAccount": "kapsa-web",
    "NetworkPolicy": "kapsa",
    "ResourceQuota": "kapsa",
    "LimitRange": "kapsa",
}


@pytest.fixture
async def world() -> World:
    return World(**BOUNDS)


def web(**changes: Any) -> Manifest:
    return environment_manifest("web", namespace=MINE, **({"image": IMAGE} | changes))


def home(tied_to: str = "") -> Manifest:
    return namespace(MINE, "web", tied_to)


async def reconcile(world: World, *manifests: Manifest) -> list[str]:
    """Return what was written, but for the status."""
    world.cluster.put(*manifests)
    await world.environments.reconcile(KEY)
    return [verb for verb in world.written() if not verb.startswith("status")]


def ready(world: World) -> tuple[str, str]:
    return world.condition("Ready", "Environment", "web", MINE)


def pod(world: World) -> dict[str, Any]:
    return dict(world.cluster.live("Deployment", "web", MINE)["spec"]["template"]["spec"])


async def test_its_guards_come_before_its_pods_and_once(world: World) -> None:
    assert await reconcile(world, home(), web()) == [
        *(f"apply {kind} {MINE}/{name}" for kind, name in GUARDS.items()),
        f"apply Deployment {MINE}/web",
        f"apply Service {MINE}/web",
    ]
    assert pod(world)["serviceAccountName"] == "kapsa-web"
    account = world.cluster.live("ServiceAccount", "kapsa-web", MINE)
    assert account["automountServiceAccountToken"] is False
    # The namespace is tied to it later on, which changes nothing.
    assert await reconcile(world, home("uid-environment-mine-web")) == []


async def test_it_is_known_before_the_watch_shows_the_namespace(world: World) -> None:
    world.cluster.put(web())
    world.cluster.watch_is_late = True
    assert f"apply NetworkPolicy {MINE}/kapsa" in await reconcile(world, home())
    assert "get Namespace mine" in world.cluster.reads


async def test_its_router_is_let_in(world: World) -> None:
    pool = pool_manifest(routing={"routerNamespace": "ingress-nginx"})
    await reconcile(world, home(), pool, web(domain=DOMAIN))
    policy = world.cluster.live("NetworkPolicy", "kapsa", MINE)["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert "ingress-nginx" in str(policy["ingress"])


async def test_a_tenants_namespace_is_asked_for_once_and_gets_no_guards(world: World) -> None:
    tenants = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MINE}}
    assert await reconcile(world, tenants, web()) == [
        f"apply Deployment {MINE}/web",
        f"apply Service {MINE}/web",
    ]
    assert "serviceAccountName" not in pod(world)
    await reconcile(world)
    assert world.cluster.reads.count("get Namespace mine") == 1


@pytest.mark.parametrize("name", ["web", "another"])
async def test_a_namespace_that_is_anothers_gets_nothing_for_it(world: World, name: str) -> None:
    theirs = namespace(MINE, name, "uid-of-another")
    written = await reconcile(world, theirs, web())
    assert written == [f"apply Deployment {MINE}/web", f"apply Service {MINE}/web"]


async def test_whatever_it_says_nothing_is_written_elsewhere(world: World) -> None:
    forged = namespace("kube-system", "web")
    forged["metadata"]["name"] = MINE
    await reconcile(world, forged, web())
    assert not any(key[0] in GUARDS for key in world.cluster.objects)


@pytest.mark.parametrize(("kind", "name"), GUARDS.items())
async def test_a_strangers_object_is_left_alone_and_no_pod_starts(
    world: World, kind: str, name: str
) -> None:
    theirs = {"kind": kind, "metadata": {"name": name, "namespace": MINE}}
    before = world.cluster.put(theirs)
    await reconcile(world, home(), web())
    assert ready(world) == ("False", "NameConflict")
    assert world.cluster.live(kind, name, MINE) == before
    assert not world.cluster.has("Deployment", "web", MINE)
    world.cluster.remove(kind, name, MINE)
    assert f"apply Deployment {MINE}/web" in await reconcile(world)


@pytest.mark.parametrize(("kind", "name"), GUARDS.items())
async def test_a_guard_that_was_changed_is_put_right(world: World, kind: str, name: str) -> None:
    await reconcile(world, home(), web())
    live = world.cluster.live(kind, name, MINE)
    bare = {**live, "metadata": {**live["metadata"], "labels": {}}}
    assert await reconcile(world, bare) == [f"apply {kind} {MINE}/{name}"]
    world.cluster.remove(kind, name, MINE)
    assert await reconcile(world) == [f"apply {kind} {MINE}/{name}"]


async def test_bounds_that_the_settings_lose_are_gone(world: World) -> None:
    await reconcile(world, home(), web())
    again = World()
    again.cluster.objects = world.cluster.objects
    again.cluster.feed(*again.state.all)
    assert await reconcile(again) == [
        f"delete ResourceQuota {MINE}/kapsa",
        f"delete LimitRange {MINE}/kapsa",
    ]


async def test_the_next_environment_of_the_namespace_takes_the_guards_over(world: World) -> None:
    await reconcile(world, home(), web())
    world.cluster.remove("Environment", "web", MINE)
    written = await reconcile(world, home(), web(metadata={"uid": "second"}))
    assert [f"apply {kind} {MINE}/{name}" for kind, name in GUARDS.items()] == written[:4]
    policy = world.cluster.live("NetworkPolicy", "kapsa", MINE)
    assert policy["metadata"]["labels"]["kapsa-project.io/owner-uid"] == "second"


async def test_suspended_it_is_left_as_it_is(world: World) -> None:
    assert await reconcile(world, home(), web(suspend=True)) == []
