"""The Project's controller: gather, plan, apply, report, against a fake cluster."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest, NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.core.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.manifests.namespace import namespace_name
from tests.builders import (
    environment_manifest,
    pool_manifest,
    project,
    project_manifest,
    registry_manifest,
    sha,
)
from tests.unit.controllers.virtual_time import cancel, settle
from tests.unit.controllers.world import IMAGE, World, secret

KEY = ("team-a", "shop")
SHOP = "https://git.example.com/acme/shop.git"
MADE = namespace_name(project("shop"))
PRODUCTION = [{"name": "production", "branch": "main"}]


def tag(commit: str) -> str:
    return f"registry.example.com/acme/shop:{sha(commit)}"


def pulls(*numbers: int) -> PullRequestListing:
    items = tuple(OpenPullRequest(n, sha(f"p{n}"), f"topic-{n}") for n in numbers)
    return PullRequestListing(items, complete=True)


class Rig(World):
    """Project `shop` with a branch `main` and pull requests 1 to 3, all images pushed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.outside.refs[SHOP] = RefListing({"main": sha("a")}, complete=True)
        self.outside.pull_requests["acme/shop"] = pulls(1, 2, 3)
        for commit in ("a", "b", *(f"p{number}" for number in range(20))):
            self.outside.images[tag(commit)] = IMAGE
        self.task = asyncio.create_task(self.poller.run())

    def shop(self, **changes: Any) -> Manifest:
        return self.cluster.put(project_manifest("shop", **changes))

    async def reconcile(self) -> float | None:
        return await self.projects.reconcile(KEY)

    async def converge(self) -> float | None:
        """Reconcile, have the repository polled, and reconcile again."""
        await self.reconcile()
        await asyncio.sleep(5)
        return await self.reconcile()

    async def poll(self) -> None:
        self.poller.poll_now(KEY)
        await asyncio.sleep(5)

    def ready(self) -> tuple[str, str]:
        return self.condition("Ready", "Project", "shop", "team-a")

    def names(self) -> list[str]:
        return sorted(key[2] for key in self.cluster.objects if key[0] == "Environment")

    def status_now(self) -> dict[str, Any]:
        return self.status("Project", "shop", "team-a")

    def edit(self, **spec: Any) -> None:
        live = self.cluster.live("Project", "shop", "team-a")
        live["spec"] |= spec
        self.cluster.put(live)

    def annotate(self, value: str) -> None:
        live = self.cluster.live("Project", "shop", "team-a")
        live["metadata"]["annotations"] = {"kapsa-project.io/requestedAt": value}
        self.cluster.put(live)


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
    assert again is not None
    assert again <= 2.0
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
