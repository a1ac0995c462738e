"""While a new version waits for its image or its release, the one that runs is kept right."""

from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, LATER, pool_manifest, sha
from tests.unit.controllers.environment_rig import DOMAIN, KEY, ready, reconcile, roll_out, web
from tests.unit.controllers.world import World

RELEASE = {"release": {"command": ["./migrate"]}}
WORKER: dict[str, Any] = {"processes": [{"name": "mail", "kind": "worker"}]}
MISSING = Blocked("ImageNotFound", "not yet", retry_after=10.0)
GONE = Waiting(Reason.API_SERVER_UNAVAILABLE, "it does not answer", 1.0)
SUCCEEDED = {"type": "Complete", "status": "True", "lastTransitionTime": LATER}


@pytest.fixture
async def world() -> World:
    """Version 1 runs, with a route."""
    world = World()
    world.cluster.put(pool_manifest())
    await want(world, 1)
    await end_release(world)
    assert ready(world) == ("True", "Ready")
    return world


def image(number: int) -> str:
    return f"registry.example.com/acme/shop:{number}@{DIGEST}"


async def want(
    world: World, number: int, *, is_built: bool = True, is_routed: bool = True, **runtime: Any
) -> None:
    """Have a version wanted, and bring the Environment in order; without an image, it waits."""
    found = {"image": image(number)} if is_built else {}
    manifest = web(
        image=None,
        commit=sha(number),
        domain=DOMAIN,
        ingress={"enabled": is_routed},
        runtime=RELEASE | runtime,
        metadata={"generation": number},
    )
    manifest["spec"] = {key: value for key, value in manifest["spec"].items() if value} | found
    if world.cluster.has("Environment", "web", "team-a"):
        manifest["status"] = world.status("Environment", "web", "team-a")
    world.images.note(KEY, None if is_built else MISSING)
    await reconcile(world, manifest)


async def end_release(world: World, *, is_ready: bool = True) -> None:
    """Have the releases succeed, and the pods become ready, or not."""
    jobs = [item for (kind, *_), item in world.cluster.objects.items() if kind == "Job"]
    await reconcile(world, *({**job, "status": {"conditions": [SUCCEEDED]}} for job in jobs))
    if is_ready:
        roll_out(world)
        await reconcile(world)


def deployment(world: World) -> Manifest:
    return world.cluster.live("Deployment", "web", "team-a")


def running(world: World) -> str:
    return str(deployment(world)["spec"]["template"]["spec"]["containers"][0]["image"])


def listed(world: World) -> list[dict[str, str]]:
    """Return kind and name of the objects that the status lists."""
    found = world.status("Environment", "web", "team-a")["resources"]
    return [{"kind": item["kind"], "name": item["name"]} for item in found]


def message(world: World) -> str:
    conditions = world.status("Environment", "web", "team-a")["conditions"]
    return next(str(item["message"]) for item in conditions if item["type"] == "Ready")


def workers(world: World) -> list[Manifest]:
    """Return the Deployments beside that of the web process."""
    found = world.cluster.objects.items()
    return [item for (kind, _, name), item in found if kind == "Deployment" and name != "web"]


def edited(world: World) -> Manifest:
    """Return the Deployment as somebody has edited it."""
    live = deployment(world)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "elsewhere.example.com/evil"
    return live


WAITING = pytest.mark.parametrize(
    "is_built", [True, False], ids=["for-its-release", "for-its-image"]
)


@WAITING
async def test_waiting_alone_writes_nothing_of_what_runs(world: World, is_built: bool) -> None:
    await want(world, 2, is_built=is_built)
    await reconcile(world)
    world.written()
    for _ in range(3):
        await reconcile(world)
    assert world.written() == []
    assert running(world) == image(1)


@WAITING
@pytest.mark.parametrize("kind", ["Deployment", "Service", "Ingress"])
async def test_what_is_deleted_comes_back_as_it_was(
    world: World, kind: str, is_built: bool
) -> None:
    before = world.cluster.live(kind, "web", "team-a")
    await want(world, 2, is_built=is_built)
    world.cluster.remove(kind, "web", "team-a")

    await reconcile(world)

    after = world.cluster.live(kind, "web", "team-a")
    assert running(world) == image(1)
    for part in ("labels", "annotations"):
        assert after["metadata"][part] == before["metadata"][part]


@WAITING
async def test_what_is_edited_is_put_right(world: World, is_built: bool) -> None:
    await want(world, 2, is_built=is_built)
    await reconcile(world, edited(world))
    assert running(world) == image(1)


async def test_what_runs_follows_its_settings_while_the_image_is_missing(world: World) -> None:
    await want(world, 2, is_built=False, replicas=3, **WORKER)

    assert deployment(world)["spec"]["replicas"] == 3
    (worker,) = workers(world)
    assert worker["spec"]["template"]["spec"]["containers"][0]["image"] == image(1)
    assert ready(world) == ("False", "ImageNotFound")
    assert {"kind": "Deployment", "name": worker["metadata"]["name"]} in listed(world)

    await want(world, 2, is_built=False, is_routed=False)
    assert not workers(world), "two of a kind would do the same work twice"
    assert not world.cluster.has("Ingress", "web", "team-a")
    assert world.condition("IngressReady", "Environment", "web", "team-a")[0] == "False"


async def test_no_autoscaler_stays_that_is_not_wanted_any_more(world: World) -> None:
    await want(world, 1, autoscaling={"enabled": True, "minReplicas": 2})
    assert world.cluster.has("HorizontalPodAutoscaler", "web", "team-a")
    await want(world, 2, is_built=False, replicas=1)
    assert not world.cluster.has("HorizontalPodAutoscaler", "web", "team-a")


async def test_what_has_run_to_completion_is_neither_run_again_nor_forgotten(world: World) -> None:
    before = world.status("Environment", "web", "team-a")["jobs"]
    ((_, _, job),) = (key for key in world.cluster.objects if key[0] == "Job")

    await want(world, 2, is_built=False)

    assert world.status("Environment", "web", "team-a")["jobs"] == before
    assert world.cluster.has("Job", job, "team-a")
    assert {"kind": "Job", "name": job} in listed(world)
    world.cluster.remove("Job", job, "team-a")
    await reconcile(world)
    assert not world.cluster.has("Job", job, "team-a")


async def test_pods_that_fail_meanwhile_are_told(world: World) -> None:
    await want(world, 2, is_built=False, command=["./typo"])
    assert "keeps running" in message(world)

    live = deployment(world)
    failed = {"type": "Progressing", "status": "False", "message": "it takes too long"}
    live["status"] = {"conditions": [failed]}
    await reconcile(world, live)

    assert ready(world) == ("False", "ImageNotFound")
    assert message(world).startswith("not yet; meanwhile, Deployment web does not get its pods")


async def test_settings_that_come_with_a_release_wait_for_it(world: World) -> None:
    await want(world, 2, replicas=3, **WORKER)
    assert deployment(world)["spec"]["replicas"] == 1
    assert not workers(world)

    await reconcile(world, edited(world))
    assert running(world) != image(1), "nobody knows any more what it was"

    world.cluster.remove("Deployment", "web", "team-a")
    await reconcile(world)
    assert running(world) == image(1)


async def test_a_version_that_was_rolled_out_in_part_is_not_taken_back(world: World) -> None:
    await want(world, 2)
    await end_release(world, is_ready=False)
    assert running(world) == image(2)

    await want(world, 3, is_built=False, replicas=3)

    assert running(world) == image(2)
    assert deployment(world)["spec"]["replicas"] == 1


async def test_nor_is_another_image_of_the_same_commit(world: World) -> None:
    live = world.cluster.live("Environment", "web", "team-a")
    rebuilt = image(1).replace("shop", "shop-rebuilt")
    live["spec"]["image"] = rebuilt
    await reconcile(world, live)
    await end_release(world, is_ready=False)
    assert running(world) == rebuilt

    await want(world, 1, is_built=False, replicas=3)

    assert running(world) == rebuilt


async def test_what_could_not_be_made_anew_at_once_is_not_forgotten(world: World) -> None:
    await want(world, 2)
    for kind in ("Deployment", "Ingress"):
        world.cluster.remove(kind, "web", "team-a")
    world.cluster.fail(GONE, "apply")
    await reconcile(world)
    assert not world.cluster.has("Deployment", "web", "team-a")

    await reconcile(world)

    assert running(world) == image(1)
    assert world.cluster.has("Ingress", "web", "team-a")


async def test_where_nothing_ran_yet_nothing_is_made(world: World) -> None:
    other = World()
    other.cluster.put(pool_manifest())
    await want(other, 1, is_built=False)
    assert not other.cluster.has("Deployment", "web", "team-a")


async def test_what_may_not_be_pulled_any_more_is_not_made_anew(world: World) -> None:
    live = world.cluster.live("Environment", "web", "team-a")
    del live["spec"]["image"]
    live["spec"]["registry"] = {"name": "closed"}
    world.cluster.remove("Deployment", "web", "team-a")
    await reconcile(world, live)
    assert not world.cluster.has("Deployment", "web", "team-a")
