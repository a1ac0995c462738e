"""Volumes: who takes a claim along, and who comes back to it."""

from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.core.manifests.persistent_volume_claim import volume_claim_name
from tests.unit.controllers.environment_rig import KEY, ready, reconcile, web
from tests.unit.controllers.virtual_time import loop
from tests.unit.controllers.world import World

NAME = volume_claim_name("web", "data")
KIND = "PersistentVolumeClaim"


@pytest.fixture
def world() -> World:
    return World()


def with_volume(*, retain: bool = False, **changes: Any) -> Manifest:
    volume = {"name": "data", "mountPath": "/data"} | ({"retain": True} if retain else {})
    return web(**{"runtime": {"volumes": [volume]}} | changes)


def of_former(manifest: Manifest) -> Manifest:
    """Return the Environment as another of its name, made later."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": "uid-of-the-next"}}


def owners(world: World) -> list[Any]:
    metadata = world.cluster.live(KIND, NAME, "team-a")["metadata"]
    return [item["uid"] for item in metadata.get("ownerReferences") or ()]


def resource(world: World) -> bool:
    resources = world.status("Environment", "web", "team-a")["resources"]
    return bool(next(item for item in resources if item["kind"] == KIND)["ready"])


async def test_a_claim_is_made_first_and_then_left_in_peace(world: World) -> None:
    await reconcile(world, with_volume())
    assert world.written()[0] == f"apply {KIND} team-a/{NAME}"
    live = world.cluster.live(KIND, NAME, "team-a")
    live["spec"] |= {"volumeMode": "Filesystem", "volumeName": "pv-1", "storageClassName": "std"}
    world.cluster.put(live)
    await world.environments.reconcile(KEY)
    assert world.written() == []


async def test_a_volume_is_ready_when_it_is_bound(world: World) -> None:
    await reconcile(world, with_volume(retain=True))
    assert not resource(world)
    live = world.cluster.live(KIND, NAME, "team-a")
    world.cluster.put(live | {"status": {"phase": "Bound"}})
    await world.environments.reconcile(KEY)
    assert resource(world)


async def test_a_volume_that_leaves_the_spec_goes(world: World) -> None:
    await reconcile(world, with_volume())
    await reconcile(world, web())
    assert not world.cluster.has(KIND, NAME, "team-a")


async def test_a_retained_one_stays_and_is_attached_again(world: World) -> None:
    await reconcile(world, with_volume(retain=True))
    await reconcile(world, web())
    kept = world.cluster.live(KIND, NAME, "team-a")
    world.cluster.remove("Environment", "web", "team-a")
    for kind in ("Deployment", "Service"):
        world.cluster.remove(kind, "web", "team-a")
    await reconcile(world, of_former(with_volume(retain=True)))
    assert world.cluster.live(KIND, NAME, "team-a") == kept
    assert owners(world) == []


async def test_one_that_returns_without_retain_takes_the_claim_along_when_it_goes(
    world: World,
) -> None:
    await reconcile(world, with_volume(retain=True))
    await reconcile(world, with_volume())
    uid = world.cluster.live("Environment", "web", "team-a")["metadata"]["uid"]
    assert owners(world) == [uid]


async def test_a_claim_is_released_before_anything_else_though_there_is_no_image(
    world: World,
) -> None:
    await reconcile(world, with_volume())
    world.written()
    await reconcile(world, with_volume(retain=True, image=None))
    assert world.written()[0] == f"apply {KIND} team-a/{NAME}"
    assert owners(world) == []
    world.written()
    await world.environments.reconcile(KEY)
    assert world.written() == []


async def test_a_claim_is_released_before_its_environment_ends(world: World) -> None:
    await reconcile(world, with_volume(ttl="30m"))
    loop().jump(3600)
    world.written()
    await reconcile(world, with_volume(retain=True, ttl="30m"))
    assert world.written() == [
        f"apply {KIND} team-a/{NAME}",
        "delete Environment team-a/web",
    ]


async def test_a_strangers_claim_is_left_alone(world: World) -> None:
    world.cluster.put(
        {
            "apiVersion": "v1",
            "kind": KIND,
            "metadata": {"name": NAME, "namespace": "team-a"},
            "spec": {},
        }
    )
    await reconcile(world, with_volume(retain=True))
    assert ready(world) == ("False", "NameConflict")
    assert world.written() == ["status Environment team-a/web"]


async def test_a_retained_claim_that_lost_its_labels_gets_them_back(world: World) -> None:
    await reconcile(world, with_volume(retain=True))
    kept = world.cluster.live(KIND, NAME, "team-a")
    world.cluster.put(kept | {"metadata": kept["metadata"] | {"labels": {}}})
    await world.environments.reconcile(KEY)
    found = world.cluster.live(KIND, NAME, "team-a")["metadata"]
    assert (found["uid"], found["labels"]) == (kept["metadata"]["uid"], kept["metadata"]["labels"])
