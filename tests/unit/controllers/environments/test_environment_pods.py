"""What an Environment says of its pods, and which of their changes it looks at."""

from typing import Any

import pytest

from tests.builders import environment_manifest, pod_manifest
from tests.unit.controllers.environment_rig import KEY, ready, reconcile, roll_out, web
from tests.unit.controllers.test_triggers import Rig
from tests.unit.controllers.world import World

ENDED = {"exitCode": 1, "reason": "Error"}


def crashing(name: str = "web", *, restarts: int = 1, ready: bool = False, **more: Any) -> Any:
    """Return a pod whose container ends again and again."""
    status = {
        "name": "web",
        "ready": ready,
        "restartCount": restarts,
        "state": {"running": {"startedAt": f"2026-01-01T00:00:{restarts:02}Z"}},
        "lastState": {"terminated": {**ENDED, "message": f"restart {restarts}"}},
    }
    return pod_manifest("web", status, environment=name, of=name, **more)


def starting(**more: Any) -> Any:
    return pod_manifest("web", {"name": "web", "ready": False, "state": {"running": {}}}, **more)


@pytest.fixture
async def world() -> World:
    return World()


def message(world: World, type_: str) -> str:
    conditions = world.status("Environment", "web", "team-a")["conditions"]
    return next(str(item["message"]) for item in conditions if item["type"] == type_)


async def test_a_pod_that_crashes_shows_in_ready_and_goes_away_again(world: World) -> None:
    await reconcile(world, web(), crashing())
    assert ready(world) == ("False", "PodsFailing")
    for type_ in ("Ready", "WorkloadAvailable", "Reconciling"):
        assert message(world, type_) == (
            "process web: container web: CrashLoopBackOff: it ended with exit code 1 (Error):"
            " restart 1"
        )
    roll_out(world)
    await world.environments.reconcile(KEY)
    assert ready(world) == ("True", "Ready")


async def test_restarts_cost_no_write(world: World) -> None:
    await reconcile(world, web(), crashing())
    world.written()
    for restarts in range(2, 6):
        await reconcile(world, crashing(restarts=restarts, ready=bool(restarts % 2)))
    assert world.written() == []


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(crashing(namespace="team-b"), id="of-another-namespace"),
        pytest.param(crashing(metadata={"ownerReferences": []}), id="that-nobody-owns"),
        pytest.param(crashing("other"), id="of-another-environment"),
    ],
)
async def test_a_strangers_pod_says_nothing_of_it(world: World, stranger: Any) -> None:
    await reconcile(world, web(), stranger)
    assert ready(world) == ("False", "WorkloadProgressing")


async def test_only_what_troubles_a_pod_is_looked_at() -> None:
    rig = Rig()
    rig.cluster.put(environment_manifest("web"), starting())
    rig.queued()

    def told(pod: Any) -> set[str]:
        rig.queued()
        rig.cluster.put(pod)
        return rig.queued()

    assert told(starting(node="node-1")) == set()
    assert told(crashing()) == {"environments: team-a/web"}
    assert told(crashing(restarts=2)) == set()
    assert told(crashing(restarts=2, ready=True)) == set()
    assert told(starting()) == {"environments: team-a/web"}
    assert told(crashing("unknown")) == set()
    rig.cluster.put(crashing())
    rig.queued()
    rig.cluster.remove("Pod", "web-1-x", "team-a")
    assert rig.queued() == {"environments: team-a/web"}


async def test_a_profile_that_the_setting_forbids_is_told_and_nothing_is_written() -> None:
    lax = web(runtime={"security": {"profile": "baseline"}})
    world = World()
    await reconcile(world, lax)
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world) == ("False", "ProfileNotAllowed")
    world = World(pod_security="baseline")
    await reconcile(world, lax)
    assert world.cluster.has("Deployment", "web", "team-a")


async def test_a_process_that_is_removed_takes_its_objects_along(world: World) -> None:
    processes = [{"name": "api", "kind": "web", "replicas": 2}, {"name": "worker"}]
    await reconcile(world, web(runtime={"processes": processes}))
    written = [write.split("/")[0] for write in world.written()]
    assert written.count("apply Deployment team-a") == 3
    assert written.count("apply Service team-a") == 2
    live = world.cluster.live("Environment", "web", "team-a")
    live["spec"]["runtime"] = {}
    await reconcile(world, live)
    kinds = [key[0] for key in world.cluster.objects]
    assert sorted(kinds) == ["Deployment", "Environment", "Service"]


async def test_a_main_process_that_becomes_a_worker_loses_its_service(world: World) -> None:
    await reconcile(world, web())
    live = world.cluster.live("Environment", "web", "team-a")
    live["spec"]["runtime"] = {"kind": "worker"}
    world.written()
    await reconcile(world, live)
    assert world.written()[:2] == ["apply Deployment team-a/web", "delete Service team-a/web"]


def unpulled(job: Any) -> Any:
    """Return a pod of a Job whose image the node can't get."""
    waiting = {"reason": "ErrImagePull", "message": "shop: not found"}
    owner = {
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
        "controller": True,
    }
    process = job["metadata"]["labels"]["kapsa-project.io/process"]
    return pod_manifest(
        process,
        {"name": process, "ready": False, "state": {"waiting": waiting}},
        restart_policy="Never",
        metadata={"ownerReferences": [owner]},
    )


@pytest.mark.parametrize(
    ("runtime", "reason", "words"),
    [
        pytest.param(
            {"release": {"command": ["./migrate"]}},
            "ReleaseRunning",
            "; container release: ImagePullBackOff: shop: not found",
            id="of-the-release",
        ),
        pytest.param(
            {"kind": "job"},
            "JobRunning",
            "process web has not run to completion yet; container web: ImagePullBackOff:"
            " shop: not found",
            id="of-a-job",
        ),
    ],
)
async def test_a_pod_of_a_job_that_does_not_start_shows_in_ready(
    world: World, runtime: dict[str, Any], reason: str, words: str
) -> None:
    await reconcile(world, web(runtime=runtime))
    (job,) = (item for key, item in world.cluster.objects.items() if key[0] == "Job")
    await reconcile(world, unpulled(job))
    assert ready(world) == ("False", reason)
    assert message(world, "Ready").endswith(words)
