"""Releases and jobs, run by the controller: once, whatever is deleted and whenever it is killed."""

from contextlib import suppress
from typing import Any

import pytest

from kapsa.adapters.api_errors import NotFound
from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, LATER, sha
from tests.unit.controllers.environment_rig import KEY, ready, reconcile, roll_out, web
from tests.unit.controllers.world import World

RELEASE = {"release": {"command": ["./migrate"], "timeout": "5m"}}
JOB = {"kind": "job"}
ENDS = {
    "Succeeded": {"type": "Complete", "status": "True", "lastTransitionTime": LATER},
    "Failed": {
        "type": "Failed",
        "status": "True",
        "reason": "BackoffLimitExceeded",
        "lastTransitionTime": LATER,
    },
}
GONE = Waiting(Reason.API_SERVER_UNAVAILABLE, "it does not answer", 1.0)


class Killed(Exception):  # noqa: N818 - a deed
    """The operator ends here, as by SIGKILL: nothing handles it."""


@pytest.fixture
def world() -> World:
    return World()


def image(number: int) -> str:
    return f"registry.example.com/acme/shop:{number}@{DIGEST}"


def shop(number: int = 1, requested: str = "", runtime: Manifest = RELEASE) -> Manifest:
    annotations = {"kapsa-project.io/requestedAt": requested} if requested else {}
    return web(
        image=image(number),
        commit=sha(number),
        runtime=runtime,
        metadata={"annotations": annotations, "generation": number},
    )


async def want(world: World, *args: Any, **more: Any) -> None:
    """Have an image wanted, keeping the status, and bring the Environment in order."""
    manifest = shop(*args, **more)
    if world.cluster.has("Environment", "web", "team-a"):
        manifest["status"] = world.status("Environment", "web", "team-a")
    await settle(world, manifest)


async def settle(world: World, *manifests: Manifest) -> None:
    await reconcile(world, *manifests)
    if world.cluster.has("Deployment", "web", "team-a"):
        roll_out(world)
    await reconcile(world)


def jobs(world: World) -> list[str]:
    """Return the names of the live Jobs."""
    return [name for kind, _, name in world.cluster.objects if kind == "Job"]


def made(world: World) -> int:
    """Return how many Jobs were made so far."""
    return len({write.name for write in world.cluster.writes if str(write).startswith("apply Job")})


async def end(world: World, result: str, name: str = "") -> None:
    """End a Job, as its controller would, and have the Environment looked at."""
    job = world.cluster.live("Job", name or jobs(world)[-1], "team-a")
    world.cluster.put({**job, "status": {"conditions": [ENDS[result]]}})
    await settle(world)


def running(world: World) -> str:
    """Return the image that the Deployment has; nothing where there is none."""
    if not world.cluster.has("Deployment", "web", "team-a"):
        return ""
    template = world.cluster.live("Deployment", "web", "team-a")["spec"]["template"]
    return str(template["spec"]["containers"][0]["image"])


def remembered(world: World) -> list[str]:
    found = world.status("Environment", "web", "team-a").get("jobs", ())
    return [f"{item['process']} {item['result']}" for item in found]


def history(world: World) -> list[tuple[str, str]]:
    found = world.status("Environment", "web", "team-a")["history"]
    return [(item["image"], item["result"]) for item in found]


async def test_a_release_comes_before_the_first_rollout_and_runs_once(world: World) -> None:
    await want(world)
    assert (running(world), remembered(world)) == ("", ["release Running"])

    await end(world, "Succeeded")
    assert (running(world), ready(world)) == (image(1), ("True", "Ready"))

    world.cluster.remove("Job", jobs(world)[0], "team-a")
    await settle(world)
    assert made(world) == 1
    assert remembered(world) == ["release Succeeded"]


async def test_it_takes_as_long_as_it_may(world: World) -> None:
    await want(world)

    spec = world.cluster.live("Job", jobs(world)[0], "team-a")["spec"]

    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"]) == (300, 0)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


async def released(world: World, number: int) -> None:
    """Roll out an image, with its release."""
    await want(world, number)
    await end(world, "Succeeded")
    assert running(world) == image(number)


async def test_going_back_to_an_image_releases_nothing_and_leaves_no_job(world: World) -> None:
    await released(world, 1)
    await released(world, 2)
    assert len(jobs(world)) == 1

    await want(world, 1)

    assert (running(world), jobs(world), made(world)) == (image(1), [], 2)
    assert history(world) == [(image(number), "Succeeded") for number in (1, 2, 1)]


async def test_a_failed_release_keeps_the_old_version_and_is_tried_again_when_asked(
    world: World,
) -> None:
    await released(world, 1)
    await want(world, 2)
    await end(world, "Failed")

    assert running(world) == image(1)
    assert ready(world) == ("False", "ReleaseFailed")
    assert history(world)[0] == (image(2), "Failed")

    await settle(world)
    world.cluster.remove("Job", jobs(world)[-1], "team-a")
    await settle(world)
    assert made(world) == 2

    await want(world, 2, requested="now")
    assert made(world) == 3
    await end(world, "Succeeded")
    assert (running(world), ready(world)) == (image(2), ("True", "Ready"))

    await want(world, 2, requested="later")
    assert made(world) == 3


async def test_the_next_image_is_released_whatever_became_of_the_former(world: World) -> None:
    await want(world, 1)
    await end(world, "Failed")

    await want(world, 2)

    assert made(world) == 2
    assert remembered(world) == ["release Running"]


async def test_two_releases_never_run_at_a_time(world: World) -> None:
    await want(world, 1)
    (first,) = jobs(world)
    job = world.cluster.live("Job", first, "team-a")
    world.cluster.put({**job, "status": {"ready": 1}})

    await want(world, 2)
    assert jobs(world) == [first]

    await end(world, "Succeeded", first)
    assert made(world) == 2
    found = world.status("Environment", "web", "team-a")["history"]
    assert [item["release"] for item in found] == ["Running", "Succeeded"]


async def test_a_release_that_has_not_begun_makes_room_for_the_next(world: World) -> None:
    await want(world, 1)
    (first,) = jobs(world)

    await want(world, 2)
    assert world.cluster.live("Job", first, "team-a")["metadata"]["deletionTimestamp"]
    assert made(world) == 1

    world.cluster.remove("Job", first, "team-a")
    await settle(world)
    assert made(world) == 2


@pytest.mark.parametrize("runtime", [RELEASE, JOB], ids=["release", "job"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("verb", ["apply", "status"])
@pytest.mark.parametrize("skip", range(3))
async def test_killed_at_any_write_it_runs_the_command_once(
    world: World, runtime: Manifest, late: bool, verb: str, skip: int
) -> None:
    world.cluster.put(shop(runtime=runtime))
    kind = "Environment" if verb == "status" else ""
    world.cluster.fail(Killed(), verb, kind, skip=skip, late=late)

    for _ in range(5):
        # Started again, an operator knows what its caches list: the same.
        with suppress(Killed):
            await world.environments.reconcile(KEY)
        for name in jobs(world):
            job = world.cluster.live("Job", name, "team-a")
            world.cluster.put({**job, "status": {"conditions": [ENDS["Succeeded"]]}})
        if running(world):
            roll_out(world)

    assert made(world) == 1
    assert ready(world)[0] == "True"


async def test_a_job_that_the_watch_does_not_show_yet_is_not_made_again(world: World) -> None:
    await want(world)
    (name,) = jobs(world)
    # A cache that was filled just before the Job was made.
    world.state.jobs.observe("DELETED", world.cluster.live("Job", name, "team-a"))
    live = world.cluster.live("Environment", "web", "team-a")
    changed = {"env": [{"name": "A", "value": "b"}]}
    live["spec"]["runtime"] |= changed

    await settle(world, live)

    assert (made(world), remembered(world)) == (1, ["release Running"])


async def test_labels_that_were_taken_away_come_back_and_nothing_else_changes(world: World) -> None:
    await want(world)
    (name,) = jobs(world)
    before = world.cluster.live("Job", name, "team-a")
    world.cluster.put({**before, "metadata": {**before["metadata"], "labels": {}}})
    live = world.cluster.live("Environment", "web", "team-a")
    live["spec"]["runtime"]["release"]["command"] = ["./other"]

    await settle(world, live)

    after = world.cluster.live("Job", name, "team-a")
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["spec"] == before["spec"]


async def test_a_job_runs_once_for_an_image_and_again_when_asked(world: World) -> None:
    await want(world, runtime=JOB)
    await end(world, "Succeeded")
    status = world.status("Environment", "web", "team-a")
    assert (status["phase"], status["image"], ready(world)[0]) == ("Succeeded", image(1), "True")

    world.cluster.remove("Job", jobs(world)[0], "team-a")
    await settle(world)
    assert made(world) == 1

    await want(world, requested="now", runtime=JOB)
    assert made(world) == 2
    await end(world, "Succeeded")

    await want(world, 2, requested="now", runtime=JOB)
    assert (made(world), len(jobs(world))) == (3, 1)


async def test_a_quiet_environment_with_jobs_is_not_written(world: World) -> None:
    runtime = RELEASE | {
        "processes": [
            {"name": "seed", "kind": "job"},
            {"name": "nightly", "kind": "cron", "schedule": "@daily"},
        ]
    }
    await want(world, runtime=runtime)
    await end(world, "Succeeded")
    await end(world, "Succeeded")
    assert ready(world) == ("True", "Ready")
    world.written()

    await reconcile(world)

    assert world.written() == []


async def test_jobs_of_a_cron_are_left_alone(world: World) -> None:
    await want(world, runtime={"kind": "cron", "schedule": "@daily"})
    (cron,) = (item for key, item in world.cluster.objects.items() if key[0] == "CronJob")
    template = cron["spec"]["jobTemplate"]
    world.cluster.put(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": f"{cron['metadata']['name']}-29400000",
                "namespace": "team-a",
                "labels": template["metadata"]["labels"],
                "ownerReferences": [
                    {"kind": "CronJob", "uid": cron["metadata"]["uid"], "controller": True}
                ],
            },
            "spec": template["spec"],
        }
    )

    await settle(world)

    assert (len(jobs(world)), ready(world)[0]) == (1, "True")
    (kept,) = world.state.jobs
    assert kept["spec"] == {}


def failed_pod(world: World, job: str) -> Manifest:
    """Store the pod of a Job, as the kubelet leaves it, and its log."""
    world.cluster.logs["team-a", f"{job}-x", "release"] = "begin\nno such table\n"
    ended = {"exitCode": 3, "reason": "Error"}
    return world.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{job}-x",
                "namespace": "team-a",
                "labels": {
                    "batch.kubernetes.io/controller-uid": world.cluster.live("Job", job, "team-a")[
                        "metadata"
                    ]["uid"]
                },
            },
            "status": {"containerStatuses": [{"name": "release", "state": {"terminated": ended}}]},
        }
    )


async def test_a_failure_shows_the_end_of_the_log_which_is_read_once(world: World) -> None:
    await want(world)
    (name,) = jobs(world)
    failed_pod(world, name)

    await end(world, "Failed")

    (told,) = world.status("Environment", "web", "team-a")["jobs"]
    assert told["message"] == (
        f"Job {name}: it ended with exit code 3; its log ends: begin | no such table"
    )
    assert world.cluster.reads.count(f"log {name}-x") == 1
    assert ready(world) == ("False", "ReleaseFailed")


@pytest.mark.parametrize(
    "error", [NotFound(Reason.RECONCILING, "no pod", 1.0), GONE], ids=["gone", "silent"]
)
async def test_no_log_is_no_reason_to_fail(world: World, error: Exception) -> None:
    await want(world)
    (name,) = jobs(world)
    failed_pod(world, name)
    world.cluster.fail(error, "log")

    await end(world, "Failed")

    (told,) = world.status("Environment", "web", "team-a")["jobs"]
    assert told["message"].endswith("its log could not be read")


async def test_secrets_of_the_environment_don_t_show(world: World) -> None:
    world.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db", "namespace": "team-a"},
            # no-such
            "data": {"PASSWORD": "bm8tc3VjaA=="},
        }
    )
    await want(world, runtime=RELEASE | {"secretRefs": [{"name": "db"}]})
    (name,) = jobs(world)
    failed_pod(world, name)
    world.cluster.logs["team-a", f"{name}-x", "release"] = "refused: no-such"

    await end(world, "Failed")

    (told,) = world.status("Environment", "web", "team-a")["jobs"]
    assert told["message"].endswith("refused: [redacted]")


async def test_an_environment_without_jobs_asks_for_none(world: World) -> None:
    await want(world, runtime={})

    assert [read for read in world.cluster.reads if "Job" in read] == []
