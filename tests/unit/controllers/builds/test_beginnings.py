"""Which builds begin where others can't, or are not to be any more."""

import asyncio
import json
from typing import Any

import pytest

from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.core import labels
from kapsa.models.reasons import Reason
from tests.unit.controllers.build_rig import BUILDS, BuildRig, encoded
from tests.unit.controllers.virtual_time import settle
from tests.unit.controllers.world import secret

IMPOSSIBLE: dict[str, Any] = {"build": {"strategy": "buildpack"}}
"""There is no kpack."""
REFUSED: dict[str, Any] = {
    "repository": {
        "url": "https://git.example.com/acme/shop.git",
        "branch": "main",
        "credentials": {"secretRef": {"name": "absent"}},
    }
}
"""That shows only when it is tried."""


def without_kpack(rig: BuildRig) -> None:
    for cache in rig.state.kpack:
        cache.is_served = False


def args(value: str) -> dict[str, Any]:
    return {"strategy": "dockerfile", "args": [{"name": "VERSION", "value": value}]}


async def rounds(rig: BuildRig) -> int:
    """Look at the builds until nothing is left to be tried; return how often that took."""
    number = 1
    while await rig.builds.reconcile(THE_QUEUE) == 0.0:
        number += 1
    return number


@pytest.mark.parametrize(
    ("how", "reason"),
    [(IMPOSSIBLE, Reason.BUILD_NOT_POSSIBLE), (REFUSED, Reason.SECRET_NOT_FOUND)],
    ids=["without-kpack", "without-a-secret"],
)
async def test_builds_that_can_not_begin_take_no_place_from_others(
    rig: BuildRig, how: dict[str, Any], reason: Reason
) -> None:
    without_kpack(rig)
    stuck = [rig.neighbour(f"stuck-{number}", **how) for number in range(6)]
    for name in ("healthy-1", "healthy-2"):
        rig.neighbour(name, is_preview=True)
    assert await rig.builds.reconcile(THE_QUEUE) == 30.0
    assert rig.projects_built() == ["healthy-1", "healthy-2"]
    obstacles = [rig.builds.obstacle(*want.identity) for want in stuck]
    assert [why.reason for why in obstacles if why] == [reason] * 6


async def test_without_a_namespace_nothing_begins_and_all_hear_of_it(rig: BuildRig) -> None:
    rig.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": BUILDS}})
    wants = [rig.neighbour(f"healthy-{number:02}") for number in range(20)]
    assert await rig.builds.reconcile(THE_QUEUE) == 30.0
    assert rig.jobs() == []
    obstacles = [rig.builds.obstacle(*want.identity) for want in wants]
    assert {why and why.reason for why in obstacles} == {Reason.NAMESPACE_CONFLICT}


async def test_what_is_hopeless_is_told_although_no_place_is_free(rig: BuildRig) -> None:
    without_kpack(rig)
    for number in range(4):
        rig.neighbour(f"healthy-{number}")
    await rig.builds.reconcile(THE_QUEUE)
    want = rig.neighbour("stuck", **IMPOSSIBLE)
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.builds.obstacle(*want.identity)


async def test_nor_do_those_of_the_same_project(rig: BuildRig) -> None:
    without_kpack(rig)
    await rig.begin()
    first = rig.job_of("shop-production")
    rig.cluster.remove("Job", first["metadata"]["name"], BUILDS)
    # Somebody's own Job has the name of the build.
    rig.cluster.put({**first, "metadata": {**first["metadata"], "labels": {}, "annotations": {}}})
    await rig.step()
    assert {
        job["metadata"]["annotations"].get(labels.BUILT_FOR, "nobody's") for job in rig.jobs()
    } == {"nobody's", "shop-pr-1", "shop-pr-2"}
    assert rig.built() == ("False", "NameConflict")


async def test_no_more_begin_than_there_are_places_for(rig: BuildRig) -> None:
    without_kpack(rig)
    for number in range(3):
        rig.neighbour(f"stuck-{number}", **IMPOSSIBLE)
    for number in range(7):
        rig.neighbour(f"healthy-{number}")
    await rig.builds.reconcile(THE_QUEUE)
    assert len(rig.jobs()) == 4


async def test_a_round_ends_after_some_tries_and_the_next_goes_on_after_them(
    rig: BuildRig,
) -> None:
    stuck = [rig.neighbour(f"stuck-{number:02}", **REFUSED) for number in range(35)]
    rig.neighbour("healthy", is_preview=True)
    assert await rig.builds.reconcile(THE_QUEUE) == 0.0
    assert [want for want in stuck if rig.builds.obstacle(*want.identity)] == stuck[:10]
    assert await rounds(rig) == 3
    assert rig.projects_built() == ["healthy"]
    assert all(rig.builds.obstacle(*want.identity) for want in stuck)


async def test_what_could_not_begin_is_tried_again_in_its_turn(rig: BuildRig) -> None:
    for number in range(12):
        rig.neighbour(f"stuck-{number:02}", **REFUSED)
    await rounds(rig)
    rig.cluster.put(secret("absent", "team-a", token=encoded("a-token")))
    await rounds(rig)
    assert rig.projects_built() == ["stuck-00", "stuck-01", "stuck-02", "stuck-03"]


async def test_what_waits_for_a_place_keeps_its_obstacle_until_it_is_tried(rig: BuildRig) -> None:
    want = rig.neighbour("stuck", is_preview=True, **REFUSED)
    await rig.builds.reconcile(THE_QUEUE)
    for number in range(5):
        rig.neighbour(f"healthy-{number}")
    rig.changed.clear()
    await rig.builds.reconcile(THE_QUEUE)
    assert len(rig.jobs()) == 4
    assert rig.builds.obstacle(*want.identity)
    assert rig.changed == []


async def test_a_suspended_project_begins_nothing(rig: BuildRig) -> None:
    rig.shop()
    await rig.converge()
    rig.edit(suspend=True)
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.jobs() == []


async def test_what_a_suspended_project_wanted_takes_no_place_from_others(rig: BuildRig) -> None:
    rig.shop()
    await rig.converge()
    rig.edit(suspend=True)
    for number in range(4):
        rig.neighbour(f"healthy-{number}", is_preview=True)
    await rig.builds.reconcile(THE_QUEUE)
    assert len(rig.projects_built()) == 4


async def test_what_a_suspended_project_has_is_left_alone_and_it_goes_on_later(
    rig: BuildRig,
) -> None:
    await rig.begin()
    failed, running = rig.jobs()
    rig.end(failed, log="it does not compile")
    rig.edit(suspend=True)
    await rig.step()
    rig.open(1)
    await rig.poll()
    await rig.step()
    assert rig.jobs() == sorted(
        (rig.cluster.live("Job", job["metadata"]["name"], BUILDS) for job in (failed, running)),
        key=lambda job: str(job["metadata"]["name"]),
    )
    assert not rig.builds._interests[failed["metadata"]["labels"][labels.OWNER_UID]].wants
    rig.open(1, 2)
    rig.edit(suspend=False)
    await rig.converge()
    await rig.step()
    assert len(rig.jobs()) == 3


async def test_a_project_that_is_being_deleted_begins_nothing(rig: BuildRig) -> None:
    rig.shop()
    await rig.converge()
    live = rig.cluster.live("Project", "shop", "team-a")
    live["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/y"]}
    rig.cluster.put(live)
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.jobs() == []


async def test_new_words_are_not_built_under_the_tag_of_the_old_ones(rig: BuildRig) -> None:
    rig.shop(previewEnvironments={"enabled": False}, build=args("1"))
    await rig.converge()
    rig.edit(build=args("2"))
    assert await rig.builds.reconcile(THE_QUEUE) == 30.0
    assert rig.jobs() == []
    await rig.reconcile()
    assert rig.built() == ("Unknown", "Building"), "that is no failure"
    await rig.step()
    (job,) = rig.jobs()
    key = job["metadata"]["labels"][labels.BUILD_KEY]
    rig.forget()
    await rig.reconcile()
    (interest,) = rig.builds._interests.values()
    assert interest.keys == {key}


async def test_what_is_back_as_it_was_wanted_begins_by_itself(rig: BuildRig) -> None:
    rig.shop(previewEnvironments={"enabled": False}, build=args("1"))
    await rig.converge()
    rig.edit(build=args("2"))
    await rig.builds.reconcile(THE_QUEUE)
    rig.edit(build=args("1"))
    await rig.builds.reconcile(THE_QUEUE)
    assert len(rig.jobs()) == 1


@pytest.mark.parametrize("how", ["endpoint", "template", "name", "gone"])
async def test_the_credential_of_one_registry_is_not_used_for_what_was_to_go_to_another(
    rig: BuildRig, how: str
) -> None:
    rig.shop(previewEnvironments={"enabled": False})
    await rig.converge()
    rig.outside.asked.clear()
    rig.cluster.reads.clear()
    match how:
        case "endpoint":
            rig.harbor(endpoint="other.example.com")
        case "template":
            rig.harbor(repositoryTemplate="elsewhere/{namespace}/{imageRepository}")
        case "name":
            rig.edit(registry={"name": "another"})
        case "gone":
            rig.cluster.remove("Registry", "harbor")
    assert await rig.builds.reconcile(THE_QUEUE) == 30.0
    assert rig.jobs() == []
    assert rig.outside.asked == []
    assert "get Secret robot" not in rig.cluster.reads


async def test_what_has_changed_while_the_build_was_prepared_is_not_mixed_with_what_was_wanted(
    rig: BuildRig,
) -> None:
    rig.shop(previewEnvironments={"enabled": False}, build=args("1"))
    await rig.converge()
    rig.outside.delay = 5.0
    rig.outside.asked.clear()
    task = asyncio.create_task(rig.builds.reconcile(THE_QUEUE))
    await settle()
    rig.harbor(endpoint="other.example.com", auth={"secretRef": {"name": "another"}})
    rig.edit(build=args("2"))
    await task
    (job,) = rig.jobs()
    made = json.dumps(job)
    assert "VERSION=1" in made
    assert "VERSION=2" not in made
    assert "other.example.com" not in made


async def test_a_registry_that_a_namespace_may_not_use_any_more_is_not_pushed_to(
    rig: BuildRig,
) -> None:
    want = rig.neighbour("other")
    rig.harbor(allowedNamespaces={"selector": {"matchLabels": {"team": "b"}}})
    rig.cluster.reads.clear()
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.jobs() == []
    obstacle = rig.builds.obstacle(*want.identity)
    assert obstacle
    assert obstacle.reason == Reason.NAMESPACE_NOT_ALLOWED
    assert "get Secret robot" not in rig.cluster.reads
