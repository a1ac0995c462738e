"""Environments that each have a namespace of their own."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kapsa.adapters.api_errors import Conflict
from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.core.projects.listings import PullRequestListing
from kapsa.core.projects.namespaces import environment_namespace
from tests.builders import project, project_manifest
from tests.unit.controllers.project_rig import PRODUCTION, Rig, pulls
from tests.unit.controllers.virtual_time import cancel

APART = project("shop", isolation="Environment")
NAMES = ["shop-production", "shop-pr-1", "shop-pr-2", "shop-pr-3"]


def home(name: str) -> str:
    return environment_namespace(APART, name)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    made.shop(environments=PRODUCTION, isolation="Environment")
    await made.converge()
    made.written()
    yield made
    await cancel(made.task)


def homes(rig: Rig) -> set[str]:
    return {key[2] for key in rig.cluster.objects if key[0] == "Namespace"}


def deleted(rig: Rig) -> list[str]:
    return [str(write) for write in rig.cluster.writes if write.verb == "delete"]


def retained(name: str) -> Manifest:
    """Return a volume that outlives the Environment in its namespace."""
    labels = {"app.kubernetes.io/managed-by": "kapsa", "kapsa-project.io/retain": "true"}
    metadata = {"name": "data", "namespace": home(name), "labels": labels}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}


async def close(rig: Rig, *still_open: int) -> None:
    rig.outside.pull_requests["acme/shop"] = pulls(*still_open)
    await rig.poll()
    await rig.reconcile()


async def test_each_environment_is_in_a_namespace_of_its_own(rig: Rig) -> None:
    where = {key[2]: key[1] for key in rig.cluster.objects if key[0] == "Environment"}
    assert where == {name: home(name) for name in NAMES}
    assert homes(rig) == set(where.values())
    assert "namespace" not in rig.status_now()
    told = {item["name"]: item["namespace"] for item in rig.status_now()["environments"]}
    assert told == where


async def test_once_they_are_there_nothing_is_written(rig: Rig) -> None:
    await rig.reconcile()
    rig.written()
    await rig.reconcile()
    assert rig.written() == []


async def test_a_closed_pull_request_takes_its_namespace_along_after_what_it_serves(
    rig: Rig,
) -> None:
    namespace = home("shop-pr-2")
    gone = [
        rig.cluster.live(*which)["metadata"]["uid"]
        for which in (("Environment", "shop-pr-2", namespace), ("Namespace", namespace))
    ]
    await close(rig, 1, 3)
    deletes = [write for write in rig.cluster.writes if write.verb == "delete"]
    assert [(write.kind, write.name) for write in deletes] == [
        ("Environment", "shop-pr-2"),
        ("Namespace", namespace),
    ]
    assert [write.uid for write in deletes] == gone


async def test_a_namespace_with_a_retained_volume_is_emptied_and_kept(rig: Rig) -> None:
    rig.cluster.put(retained("shop-pr-2"))
    await close(rig, 1, 3)
    assert deleted(rig) == [f"delete Environment {home('shop-pr-2')}/shop-pr-2"]
    rig.written()
    rig.cluster.reads.clear()
    await rig.reconcile()
    assert deleted(rig) == []
    assert rig.cluster.reads == []
    assert home("shop-pr-2") in homes(rig)


async def test_a_volume_that_the_cache_does_not_know_keeps_its_namespace(rig: Rig) -> None:
    rig.cluster.watch_is_late = True
    rig.cluster.put(retained("shop-pr-2"))
    await close(rig, 1, 3)
    assert deleted(rig) == [f"delete Environment {home('shop-pr-2')}/shop-pr-2"]


async def test_where_volumes_can_not_be_listed_nothing_is_deleted(rig: Rig) -> None:
    rig.cluster.fail(
        Waiting("ApiServerUnavailable", "500"), "list", "PersistentVolumeClaim", times=9
    )
    await close(rig, 1, 3)
    assert deleted(rig) == []
    assert rig.ready() == ("False", "ApiServerUnavailable")


async def test_an_environment_that_is_deleted_by_hand_comes_back(rig: Rig) -> None:
    rig.cluster.remove("Environment", "shop-pr-2", home("shop-pr-2"))
    await rig.reconcile()
    assert rig.names() == sorted(NAMES)
    assert deleted(rig) == []


async def test_a_namespace_that_is_deleted_by_hand_comes_back(rig: Rig) -> None:
    rig.cluster.remove("Environment", "shop-pr-2", home("shop-pr-2"))
    rig.cluster.remove("Namespace", home("shop-pr-2"))
    await rig.reconcile()
    assert rig.names() == sorted(NAMES)
    assert home("shop-pr-2") in homes(rig)


async def test_a_namespace_whose_environment_never_came_is_left_when_nobody_wants_it(
    rig: Rig,
) -> None:
    rig.cluster.remove("Environment", "shop-pr-2", home("shop-pr-2"))
    await close(rig, 1, 3)
    assert deleted(rig) == [f"delete Namespace {home('shop-pr-2')}"]


async def test_a_listing_that_is_no_proof_leaves_no_namespace(rig: Rig) -> None:
    rig.cluster.remove("Environment", "shop-pr-2", home("shop-pr-2"))
    rig.outside.pull_requests["acme/shop"] = PullRequestListing(pulls(1).items, complete=False)
    await rig.poll()
    await rig.reconcile()
    assert deleted(rig) == []


async def test_a_namespace_with_an_environment_that_nobody_can_read_is_kept(rig: Rig) -> None:
    live = rig.cluster.live("Environment", "shop-pr-2", home("shop-pr-2"))
    live["spec"]["type"] = "neither"
    rig.cluster.put(live)
    await close(rig, 1, 3)
    assert deleted(rig) == []


async def test_a_strangers_namespace_keeps_one_preview_away(rig: Rig) -> None:
    theirs = {"kind": "Namespace", "metadata": {"name": home("shop-pr-4")}}
    before = rig.cluster.put(theirs)
    await close(rig, 1, 2, 3, 4)
    assert rig.names() == sorted(NAMES)
    assert rig.ready() == ("False", "NamespaceConflict")
    assert rig.cluster.live("Namespace", home("shop-pr-4")) == before
    told = {item["pr"]: (item["decision"], item["reason"]) for item in candidates(rig)}
    assert told[4] == ("Skipped", "NamespaceConflict")
    assert told[3] == ("Previewed", "PullRequestOpen")


def candidates(rig: Rig) -> list[dict[str, Any]]:
    return list(rig.status_now()["candidates"])


async def test_a_namespace_that_is_held_costs_no_requests(rig: Rig) -> None:
    rig.cluster.remove("Environment", "shop-pr-2", home("shop-pr-2"))
    live = rig.cluster.live("Namespace", home("shop-pr-2"))
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    rig.cluster.put(live)
    await rig.reconcile()
    told = {item["pr"]: (item["decision"], item["reason"]) for item in candidates(rig)}
    assert told[2] == ("Queued", "NamespaceTerminating")
    rig.written()
    rig.cluster.reads.clear()
    for _ in range(10):
        assert await rig.reconcile() == 60.0
    assert rig.written() == []
    assert rig.cluster.reads == []


async def test_what_expired_keeps_its_environment_and_its_namespace() -> None:
    rig = Rig()
    rig.shop(isolation="Environment", previewEnvironments={"ttl": "1h"})
    await rig.converge()
    for name in NAMES[1:]:
        await rig.environments.reconcile((home(name), name))
    before = homes(rig)
    await asyncio.sleep(7200)
    for name in NAMES[1:]:
        await rig.environments.reconcile((home(name), name))
    await rig.reconcile()
    await rig.reconcile()
    assert {item["decision"] for item in candidates(rig)} == {"Expired"}
    assert homes(rig) == before
    assert rig.names() == NAMES[1:]
    await cancel(rig.task)


@pytest.mark.parametrize("isolation", ["Project", "Environment"])
async def test_a_project_that_is_made_again_takes_a_namespace_with_a_retained_volume_back(
    isolation: str,
) -> None:
    rig = Rig()
    shop = rig.shop(environments=PRODUCTION, isolation=isolation)
    await rig.converge()
    where = environment_namespace(project("shop", isolation=isolation), "shop-production")
    volume = retained("shop-production")
    volume["metadata"]["namespace"] = where
    rig.cluster.put(volume)
    rig.cluster.remove("Project", "shop", "team-a")
    rig.cluster.put(
        project_manifest(
            "shop", metadata={"uid": "second"}, environments=PRODUCTION, isolation=isolation
        )
    )
    rig.written()

    for _ in range(4):
        await rig.reconcile()

    assert shop["metadata"]["uid"] not in json.dumps(rig.cluster.live("Namespace", where))
    live = rig.cluster.live("Environment", "shop-production", where)
    assert live["spec"]["projectRef"]["uid"] == "second"
    assert f"delete Namespace {where}" not in deleted(rig)
    assert rig.cluster.has("PersistentVolumeClaim", "data", where)
    await cancel(rig.task)


async def test_nobody_takes_a_namespace_while_its_owner_may_be_alive() -> None:
    rig = Rig()
    rig.shop(environments=PRODUCTION)
    await rig.converge()
    where = environment_namespace(project("shop"), "shop-production")
    volume = retained("shop-production")
    volume["metadata"]["namespace"] = where
    rig.cluster.put(volume)
    rig.cluster.watch_is_late = True
    live = rig.cluster.live("Project", "shop", "team-a")
    second = {**live, "metadata": {**live["metadata"], "uid": "second"}}
    rig.state.projects.observe("DELETED", live)
    rig.state.projects.observe("ADDED", second)
    rig.written()

    with pytest.raises(Conflict):
        # The status is of a Project that the API server doesn't know.
        await rig.reconcile()

    assert (
        rig.cluster.live("Namespace", where)["metadata"]["labels"]["kapsa-project.io/owner-uid"]
        == "uid-project-team-a-shop"
    )
    assert deleted(rig) == []
    await cancel(rig.task)
