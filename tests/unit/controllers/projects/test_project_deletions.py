"""What a Project deletes, what it holds, and how a person confirms that."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.core.projects.listings import PullRequestListing
from tests.builders import (
    environment_manifest,
    pool_manifest,
    sha,
)
from tests.unit.controllers.project_rig import MADE, PRODUCTION, SHOP, Rig, pulls, tag
from tests.unit.controllers.virtual_time import cancel, settle
from tests.unit.controllers.world import IMAGE


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    yield made
    await cancel(made.task)


async def test_it_makes_its_namespace_and_an_environment_for_each_pull_request(rig: Rig) -> None:
    rig.shop(environments=PRODUCTION)
    await rig.converge()
    assert rig.cluster.has("Namespace", MADE)
    assert rig.names() == ["shop-pr-1", "shop-pr-2", "shop-pr-3", "shop-production"]
    assert rig.cluster.live("Environment", "shop-pr-1", MADE)["spec"]["image"] == IMAGE
    assert rig.status_now()["previewCount"] == 3
    assert rig.status_now()["latestCommit"]["sha"] == sha("a")


async def test_a_closed_pull_request_takes_its_preview_along_by_uid(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    live = rig.cluster.live("Environment", "shop-pr-2", MADE)
    rig.outside.pull_requests["acme/shop"] = pulls(1, 3)
    await rig.poll()
    rig.written()
    await rig.reconcile()
    (delete,) = [write for write in rig.cluster.writes if write.verb == "delete"]
    assert (delete.name, delete.uid) == ("shop-pr-2", live["metadata"]["uid"])


async def test_a_preview_that_was_made_anew_since_the_plan_is_not_deleted(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    rig.outside.pull_requests["acme/shop"] = pulls(1, 3)
    rig.outside.images[tag("new")] = IMAGE
    await rig.poll()
    apply = rig.applier.apply

    async def meanwhile(manifest: Manifest, *args: Any) -> Manifest:
        if manifest["kind"] == "Environment" and "new" not in rig.outside.asked:
            rig.outside.asked.append("new")
            rig.cluster.remove("Environment", "shop-pr-2", MADE)
            rig.cluster.put(
                environment_manifest("shop-pr-2", namespace=MADE, metadata={"uid": "x"})
            )
        return await apply(manifest, *args)

    rig.applier.apply = meanwhile  # type: ignore[method-assign, assignment]
    await rig.reconcile()
    assert rig.cluster.has("Environment", "shop-pr-2", MADE)


@pytest.mark.parametrize(
    "failure",
    [Waiting("ForgeUnreachable", "500"), PullRequestListing(pulls(1).items, complete=False)],
    ids=["error", "cut-short"],
)
async def test_a_listing_that_failed_deletes_nothing(rig: Rig, failure: Any) -> None:
    rig.shop()
    await rig.converge()
    rig.outside.pull_requests["acme/shop"] = failure
    await rig.poll()
    await rig.reconcile()
    assert rig.names() == ["shop-pr-1", "shop-pr-2", "shop-pr-3"]


async def test_most_vanishing_at_once_is_held_until_a_person_confirms_it(rig: Rig) -> None:
    rig.outside.pull_requests["acme/shop"] = pulls(*range(1, 9))
    rig.shop()
    await rig.converge()
    rig.outside.pull_requests["acme/shop"] = pulls(1)
    await rig.poll()
    await rig.reconcile()
    assert len(rig.names()) == 8
    assert rig.condition("CleanupHeld", "Project", "shop", "team-a")[0] == "True"
    rig.annotate("now")
    await rig.reconcile()
    await asyncio.sleep(5)
    await rig.reconcile()
    assert rig.names() == ["shop-pr-1"]
    assert rig.status_now()["lastHandledRequestedAt"] == "now"


async def test_a_request_is_handled_only_when_the_poll_that_it_asks_for_is_in(rig: Rig) -> None:
    rig.outside.pull_requests["acme/shop"] = pulls(*range(1, 9))
    rig.shop()
    await rig.converge()
    rig.outside.pull_requests["acme/shop"] = pulls(1)
    await rig.poll()
    await rig.reconcile()
    # It was a fault of the forge, and it has passed: the person asks for another look.
    rig.outside.pull_requests["acme/shop"] = pulls(*range(1, 9))
    rig.annotate("now")
    await rig.reconcile()
    assert rig.status_now().get("lastHandledRequestedAt", "") == ""
    assert len(rig.names()) == 8
    await asyncio.sleep(5)
    await rig.reconcile()
    assert rig.status_now()["lastHandledRequestedAt"] == "now"
    assert len(rig.names()) == 8


async def test_a_request_that_was_pending_at_a_restart_is_handled_after_the_first_poll(
    rig: Rig,
) -> None:
    rig.shop(metadata={"annotations": {"kapsa-project.io/requestedAt": "before"}})
    await rig.reconcile()
    assert rig.status_now().get("lastHandledRequestedAt", "") == ""
    await asyncio.sleep(5)
    await rig.reconcile()
    assert rig.status_now()["lastHandledRequestedAt"] == "before"
    polls = len(rig.outside.asked)
    for _ in range(3):
        await rig.reconcile()
        await settle()
    assert len(rig.outside.asked) == polls


async def test_a_request_of_a_project_whose_repository_can_not_be_asked_is_no_dead_end(
    rig: Rig,
) -> None:
    rig.shop(
        repository={"url": SHOP, "credentials": {"secretRef": {"name": "git"}}},
        metadata={"annotations": {"kapsa-project.io/requestedAt": "now"}},
    )
    await rig.reconcile()
    assert rig.status_now()["lastHandledRequestedAt"] == "now"


async def test_what_was_asked_for_is_not_remembered_beyond_the_project(rig: Rig) -> None:
    rig.shop(metadata={"annotations": {"kapsa-project.io/requestedAt": "now"}})
    await rig.converge()
    rig.cluster.remove("Project", "shop", "team-a")
    await rig.reconcile()
    assert not rig.projects._asked


async def test_what_a_former_project_left_behind_does_not_keep_its_names(rig: Rig) -> None:
    former = environment_manifest(
        "shop-pr-1",
        namespace="team-a",
        metadata={
            "labels": {"app.kubernetes.io/managed-by": "kapsa"},
            "ownerReferences": [{"kind": "Project", "uid": "uid-of-former", "controller": True}],
        },
        projectRef={"name": "shop", "namespace": "team-a", "uid": "uid-of-former"},
    )
    rig.cluster.put(former)
    rig.shop(isolation="Shared")
    again = await rig.converge()
    assert rig.names() == ["shop-pr-1", "shop-pr-2", "shop-pr-3"], "no second name was given"
    assert again is not None

    rig.cluster.remove("Environment", "shop-pr-1", "team-a")
    await rig.reconcile()
    live = rig.cluster.live("Environment", "shop-pr-1", "team-a")
    assert (
        live["spec"]["projectRef"]["uid"]
        == rig.cluster.live("Project", "shop", "team-a")["metadata"]["uid"]
    )


async def test_a_project_that_wants_another_subdomain_gives_the_old_one_back(rig: Rig) -> None:
    rig.cluster.put(pool_manifest("apps"))
    rig.shop(domain={"domainPoolRef": {"name": "apps"}, "subdomain": "old"})
    await rig.converge()
    rig.edit(domain={"domainPoolRef": {"name": "apps"}, "subdomain": "new"})
    await rig.converge()
    project_uid = rig.cluster.live("Project", "shop", "team-a")["metadata"]["uid"]
    assert rig.claims.held("subdomain", project_uid) == ["new.apps.example.com"]
