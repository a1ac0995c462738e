"""A poller, and what it reads, for its tests."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kapsa.adapters.errors import Waiting
from kapsa.controllers.projects.polling import Poller, ProjectKey, Snapshot
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from tests.builders import sha
from tests.fakes import FakeOutside
from tests.unit.controllers.virtual_time import now

SHOP = "https://git.example.com/acme/shop.git"
REFS = RefListing({"main": sha("a")}, complete=True)
PULLS = PullRequestListing((OpenPullRequest(7, sha("b"), "topic"),), complete=True)
NO_PULLS = PullRequestListing((), complete=True)
DOWN = Waiting("RepositoryUnreachable", "connection refused")
A, B = ("team-a", "shop"), ("team-b", "shop")


class Rig:
    def __init__(self, per_host: int = 4) -> None:
        self.outside = FakeOutside()
        self.outside.refs[SHOP] = REFS
        self.outside.pull_requests["acme/shop"] = PULLS
        self.told: list[tuple[float, ProjectKey]] = []
        self.poller = Poller(
            refs=self.outside,
            forge=self.outside,
            now=now,
            on_polled=self.note,
            timeout=30.0,
            per_host=per_host,
        )

    def note(self, projects: Iterable[ProjectKey]) -> None:
        self.told += [(round(now(), 3), project) for project in projects]

    def polls(self, url: str = SHOP) -> int:
        return self.outside.asked.count(f"refs {url}")

    def seen(self, project: ProjectKey = A) -> Snapshot:
        snapshot = self.poller.snapshot(project)
        assert snapshot is not None
        return snapshot

    @contextmanager
    def running(self) -> Iterator[None]:
        task = asyncio.create_task(self.poller.run())
        yield
        task.cancel()
