"""A Project with everything that it needs, for the tests of its controller."""

import asyncio
from typing import Any

from kapsa.adapters.cluster import Manifest
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.projects.namespaces import common_namespace
from tests.builders import (
    project,
    project_manifest,
    sha,
)
from tests.unit.controllers.world import IMAGE, World

KEY = ("team-a", "shop")
SHOP = "https://git.example.com/acme/shop.git"
MADE = common_namespace(project("shop"))
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
