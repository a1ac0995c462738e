"""The Project's controller: gather, plan, apply, report, against a fake cluster."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import Stalled
from kapsa.core.projects.listings import RefListing
from tests.builders import (
    pool_manifest,
    registry_manifest,
    sha,
)
from tests.unit.controllers.project_rig import KEY, MADE, PRODUCTION, SHOP, Rig, pulls, tag
from tests.unit.controllers.virtual_time import cancel
from tests.unit.controllers.world import IMAGE, World, secret


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    yield made
    await cancel(made.task)


async def test_once_converged_it_writes_nothing(rig: Rig) -> None:
    rig.shop(environments=PRODUCTION)
    await rig.converge()
    await rig.converge()
    rig.written()
    for _ in range(3):
        await rig.reconcile()
    assert rig.written() == []


async def test_before_the_first_poll_nothing_is_made_or_deleted(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    again = World()
    again.cluster.objects = rig.cluster.objects
    again.cluster.feed(*again.state.all)
    await again.projects.reconcile(KEY)
    assert not [verb for verb in again.written() if "Environment" in verb]


async def test_a_missing_image_is_waited_for_without_an_image_in_the_spec(rig: Rig) -> None:
    rig.outside.images = {}
    rig.shop()
    again = await rig.converge()
    assert again is not None
    assert 0 < again <= 10.0
    assert "image" not in rig.cluster.live("Environment", "shop-pr-1", MADE)["spec"]
    obstacle = rig.images.obstacle((MADE, "shop-pr-1"))
    assert obstacle is not None
    assert obstacle.reason == "ImageNotFound"
    rig.outside.images[tag("p1")] = IMAGE
    await asyncio.sleep(10)
    await rig.reconcile()
    assert rig.cluster.live("Environment", "shop-pr-1", MADE)["spec"]["image"] == IMAGE
    assert rig.images.obstacle((MADE, "shop-pr-1")) is None


async def test_a_new_commit_without_image_keeps_the_old_one_running(rig: Rig) -> None:
    rig.shop(environments=PRODUCTION)
    await rig.converge()
    rig.outside.refs[SHOP] = RefListing({"main": sha("new")}, complete=True)
    await rig.poll()
    await rig.reconcile()
    spec = rig.cluster.live("Environment", "shop-production", MADE)["spec"]
    assert spec["commit"] == sha("new")
    assert rig.condition("Ready", "Project", "shop", "team-a")[0] == "False"


async def test_suspended_nothing_is_polled_made_or_deleted(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    rig.edit(suspend=True)
    rig.written()
    assert await rig.reconcile() is None
    assert rig.written() == ["status Project team-a/shop"]
    assert rig.ready() == ("False", "Suspended")
    polls = len(rig.outside.asked)
    await asyncio.sleep(1000)
    assert len(rig.outside.asked) == polls
    assert rig.poller.snapshot(KEY) is None


async def test_an_invalid_project_is_told_and_touches_nothing(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    live = rig.cluster.live("Project", "shop", "team-a")
    live["spec"]["repository"] = {"url": "ftp://example.com"}
    rig.cluster.put(live)
    rig.written()
    assert await rig.reconcile() is None
    assert rig.written() == ["status Project team-a/shop"]
    assert rig.ready() == ("False", "InvalidSpec")
    assert len(rig.names()) == 3


async def test_a_missing_secret_is_said_and_looked_for_again(rig: Rig) -> None:
    rig.shop(repository={"url": SHOP, "credentials": {"secretRef": {"name": "git"}}})
    again = await rig.reconcile()
    assert again is not None
    assert again <= 300
    assert rig.condition("RepositoryAccessible", "Project", "shop", "team-a") == (
        "False",
        "SecretNotFound",
    )
    rig.cluster.put(secret("git", "team-a", token="YWJj"))
    await rig.converge()
    assert rig.names() == ["shop-pr-1", "shop-pr-2", "shop-pr-3"]


async def test_a_secret_that_goes_stops_nothing_that_runs(rig: Rig) -> None:
    rig.cluster.put(secret("git", "team-a", token="YWJj"))
    rig.shop(repository={"url": SHOP, "credentials": {"secretRef": {"name": "git"}}})
    await rig.converge()
    rig.cluster.remove("Secret", "git", "team-a")
    await rig.converge()
    assert len(rig.names()) == 3
    assert rig.poller.snapshot(("team-a", "shop")) is None, "it is not used from memory"


async def test_a_missing_registry_is_said_and_what_runs_keeps_its_image(rig: Rig) -> None:
    rig.cluster.put(registry_manifest("harbor"))
    rig.shop(registry={"name": "harbor"})
    await rig.converge()
    rig.cluster.remove("Registry", "harbor")
    rig.outside.pull_requests["acme/shop"] = pulls(1, 2, 3, 4)
    await rig.poll()
    assert await rig.reconcile() is not None
    registry_ready = rig.condition("RegistryReady", "Project", "shop", "team-a")
    assert registry_ready == ("False", "RegistryNotFound")
    assert rig.cluster.live("Environment", "shop-pr-1", MADE)["spec"]["image"] == IMAGE
    assert "image" not in rig.cluster.live("Environment", "shop-pr-4", MADE)["spec"]


async def test_without_its_subdomain_no_environment_is_made_and_those_there_keep_theirs(
    rig: Rig,
) -> None:
    rig.shop(domain={"domainPoolRef": {"name": "apps"}})
    await rig.converge()
    assert rig.names() == []
    assert rig.condition("DomainReady", "Project", "shop", "team-a")[1] == "DomainPoolNotFound"
    rig.cluster.put(pool_manifest("apps"))
    await rig.converge()
    assert rig.cluster.live("Environment", "shop-pr-1", MADE)["spec"]["domain"] == {
        "domainPoolRef": {"name": "apps"},
        "subdomain": "shop",
    }
    assert rig.status_now()["subdomain"] == "shop"


async def test_a_registry_for_other_namespaces_is_not_asked_and_what_runs_keeps_its_image(
    rig: Rig,
) -> None:
    for_a = {"selector": {"matchLabels": {"team": "a"}}}
    rig.cluster.put(registry_manifest("harbor"))
    rig.shop(registry={"name": "harbor"})
    await rig.converge()
    rig.cluster.put(registry_manifest("harbor", allowedNamespaces=for_a))
    rig.outside.pull_requests["acme/shop"] = pulls(1, 2, 3, 4)
    await rig.poll()
    again = await rig.reconcile()
    assert again is not None
    assert again <= 600.0
    found = rig.condition("RegistryReady", "Project", "shop", "team-a")
    assert found == ("False", "NamespaceNotAllowed")
    assert f"image {tag('p4')}" not in rig.outside.asked
    assert rig.cluster.live("Environment", "shop-pr-1", MADE)["spec"]["image"] == IMAGE

    metadata = {"name": "team-a", "labels": {"team": "a"}}
    rig.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    await rig.reconcile()
    found = rig.condition("RegistryReady", "Project", "shop", "team-a")
    assert found == ("True", "RegistryReady")


async def test_a_strangers_namespace_is_left_alone(rig: Rig) -> None:
    rig.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MADE}})
    rig.shop()
    assert await rig.converge() == 3600.0
    assert rig.ready() == ("False", "NamespaceConflict")
    assert rig.names() == []


async def test_a_namespace_on_its_way_out_is_waited_for(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    live = rig.cluster.live("Namespace", MADE)
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    rig.cluster.put(live)
    again = await rig.reconcile()
    # Its end is heard of earlier.
    assert again == 60.0
    assert rig.ready() == ("False", "NamespaceTerminating")


async def test_shared_isolation_makes_no_namespace(rig: Rig) -> None:
    rig.shop(isolation="Shared")
    await rig.converge()
    assert not any(key[0] == "Namespace" for key in rig.cluster.objects)
    live = rig.cluster.live("Environment", "shop-pr-1", "team-a")
    assert live["metadata"]["ownerReferences"][0]["kind"] == "Project"


async def test_one_environment_that_is_refused_holds_up_no_other(rig: Rig) -> None:
    rig.cluster.fail(Stalled("ApplyRefused", "no"), "apply", "Environment")
    rig.shop()
    await rig.converge()
    assert len(rig.names()) == 2
    assert rig.ready() == ("False", "ApplyRefused")


async def test_one_environment_that_fails_as_nobody_foresaw_holds_up_no_other(rig: Rig) -> None:
    rig.shop()
    await rig.converge()
    rig.outside.pull_requests["acme/shop"] = pulls(1, 2, 4, 5)
    await rig.poll()
    rig.cluster.fail(KeyError("surprise"), "apply", "Environment")
    again = await rig.reconcile()
    assert again is not None
    assert again <= 60
    assert len(rig.names()) == 3, "3 is deleted, and of 4 and 5 one is made"
    assert rig.ready()[0] == "False"
    await rig.reconcile()
    assert rig.names() == ["shop-pr-1", "shop-pr-2", "shop-pr-4", "shop-pr-5"]


async def test_when_it_ends_none_of_its_writes_goes_on(rig: Rig) -> None:
    def fence() -> None:
        made = [write for write in rig.cluster.writes if write.kind == "Environment"]
        if made:
            raise NotFenced("the Lease was lost")

    rig.shop()
    await rig.reconcile()
    await asyncio.sleep(5)
    rig.cluster._fence = fence
    rig.cluster.fail(None, "get", "Environment", delay=3, times=1)
    with pytest.raises(NotFenced):
        await rig.reconcile()
    assert asyncio.all_tasks() == {asyncio.current_task(), rig.task}


async def test_a_project_that_goes_is_not_polled_any_more(rig: Rig) -> None:
    rig.outside.delay = 2.0
    rig.shop()
    await rig.reconcile()
    await asyncio.sleep(1)
    rig.cluster.remove("Project", "shop", "team-a")
    await rig.reconcile()
    await asyncio.sleep(1000)
    assert rig.polled == []
    assert rig.poller.snapshot(KEY) is None


async def test_a_project_that_is_being_deleted_is_left_to_go(rig: Rig) -> None:
    rig.shop(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert await rig.reconcile() is None
    assert rig.written() == []


async def test_a_spec_that_contradicts_itself_is_reported_and_changes_nothing(rig: Rig) -> None:
    rig.shop(environments=PRODUCTION)
    await rig.converge()
    before = rig.names()
    rig.outside.pull_requests["acme/shop"] = pulls(4)
    rig.edit(environments=[], previewEnvironments={"ttl": "7d", "maxLifetime": "1d"})

    await rig.poll()
    await rig.converge()

    assert rig.names() == before
    assert rig.ready() == ("False", "InvalidSpec")
    assert rig.condition("Stalled", "Project", "shop", "team-a") == ("True", "InvalidSpec")

    rig.edit(previewEnvironments={"ttl": "7d", "maxLifetime": "7d"})
    await rig.converge()

    assert rig.names() == ["shop-pr-4"]
