"""Reads repositories: each distinct one (URL and credentials) once, for all that want it."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import structlog

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.adapters.forges import Forge, forge_repository
from kapsa.controllers.reconciling.queue import Queue
from kapsa.core.conditions import Blocked
from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.metrics import GIT_POLLS
from kapsa.models.reasons import Reason

ProjectKey = tuple[str, str]

_JITTER = 0.1
_SECOND_LOOK = 2.0
"""Seconds until a forge that suddenly knows of no pull request is asked again."""
_POLLERS = 10_000
"""Polls under way, those included that wait for their host: hosts bound themselves, and one that
hangs must not take the places of the others."""
_LONGEST_BACKOFF_FACTOR = 4

_FORGES = frozenset({"gitea", "forgejo"})
_NO_REFS = RefListing()
_NO_PULL_REQUESTS = PullRequestListing()

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Source:
    """A repository as a Project describes it.

    Attributes:
        url: Where git reads it.
        provider: `gitea`, `forgejo`, `git`, or `auto`.
        api_url: Address of the forge's API; None to derive it.
        credentials: Who Kapsa is to the server; None for nobody.
    """

    url: str
    provider: str = "auto"
    api_url: str | None = None
    credentials: Credentials | None = None

    @property
    def key(self) -> str:
        """What makes it distinct: everything, with a digest in place of the credentials."""
        digest = self.credentials.digest if self.credentials else ""
        return " ".join((self.url, self.provider, self.api_url or "", digest))

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.url).netloc.lower()


@dataclass(frozen=True)
class Snapshot:
    """What was last seen of a repository.

    Attributes:
        refs: The branches; incomplete where the last poll failed.
        pull_requests: The open pull requests; likewise, and incomplete where there is no forge.
        provider: What serves it: `gitea`, `forgejo` or `git`; nothing before that is known.
        problem: Why the last poll failed; None where it did not.
        listed_at: Unix time of the last poll that did not fail; None for never.
        failures: How many polls in a row have failed.
    """

    refs: RefListing = _NO_REFS
    pull_requests: PullRequestListing = _NO_PULL_REQUESTS
    provider: str = ""
    problem: Blocked | None = None
    listed_at: float | None = None
    failures: int = 0


class RefSource(Protocol):
    """Lists the refs of repositories; see `kapsa.adapters.git.GitClient`."""

    async def list_refs(self, url: str, credentials: Credentials | None = None) -> RefListing:
        """Return the refs of the repository at `url`."""


class DetectingForge(Forge, Protocol):
    """A forge that knows whether it serves a URL."""

    async def detect(
        self, url: str, api_url: str | None = None, credentials: Credentials | None = None
    ) -> str:
        """Return `gitea`, `forgejo` or `git`."""


@dataclass
class _Watched:
    source: Source
    intervals: dict[ProjectKey, float] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    next_poll_at: float | None = None

    @property
    def interval(self) -> float:
        return min(self.intervals.values())


class Poller:
    """Polls the repositories that Projects watch, and tells when something may have changed."""

    def __init__(
        self,
        *,
        refs: RefSource,
        forge: DetectingForge,
        now: Callable[[], float],
        on_polled: Callable[[Iterable[ProjectKey]], None],
        timeout: float,
        per_host: int,
    ) -> None:
        """Take the means to read repositories.

        Args:
            refs: Lists refs.
            forge: Lists pull requests.
            now: The API server's Unix time.
            on_polled: Told, after each poll, of the Projects that watch the repository.
            timeout: Seconds after which a poll is given up.
            per_host: Most polls of one host at a time.
        """
        self.queue: Queue[str] = Queue("repositories")
        self._refs = refs
        self._forge = forge
        self._now = now
        self._on_polled = on_polled
        self._timeout = timeout
        self._per_host = per_host
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        """Each lives for as long as a poll of its host has it or waits for it."""
        self._watched: dict[str, _Watched] = {}
        self._by_project: dict[ProjectKey, str] = {}

    def watch(self, project: ProjectKey, source: Source, interval: float) -> None:
        """Have the repository polled every `interval` seconds, and at once where it is new."""
        key = source.key
        if self._by_project.get(project, key) != key:
            self.unwatch(project)
        self._by_project[project] = key
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched(source)
            self.queue.add(key)
        elif interval < watched.intervals.get(project, watched.interval):
            self.queue.add(key)
        watched.intervals[project] = interval

    def unwatch(self, project: ProjectKey) -> None:
        """Stop polling for a Project; a repository that nobody watches is forgotten."""
        key = self._by_project.pop(project, None)
        watched = self._watched.get(key) if key else None
        if key is None or watched is None:
            return
        watched.intervals.pop(project, None)
        if not watched.intervals:
            del self._watched[key]
            self.queue.forget(key)

    def poll_now(self, project: ProjectKey) -> None:
        """Have the Project's repository polled at once."""
        if key := self._by_project.get(project):
            self.queue.add(key)

    def snapshot(self, project: ProjectKey) -> Snapshot | None:
        """Return what was last seen of the Project's repository; None before the first poll."""
        watched = self._watched.get(self._by_project.get(project, ""))
        return watched.snapshot if watched else None

    def next_poll_at(self, project: ProjectKey) -> float | None:
        """Return the Unix time of the next poll; None where that isn't known."""
        watched = self._watched.get(self._by_project.get(project, ""))
        return watched.next_poll_at if watched else None

    async def run(self) -> None:
        """Poll, until cancelled.

        Then all that was seen is forgotten: when this operator is elected again, another one has
        gone on meanwhile, and an old listing would speak against what that one made.
        """
        try:
            await self.queue.run(self._poll, _POLLERS)
        finally:
            self._watched.clear()
            self._by_project.clear()

    async def _poll(self, key: str) -> float | None:
        watched = self._watched.get(key)
        if watched is None:
            return None
        host = self._hosts.setdefault(watched.source.host, asyncio.Semaphore(self._per_host))
        try:
            async with host:
                snapshot = await self._look(watched)
        except Exception as error:
            # Nobody foresaw it: the queue says so, and no listing is believed beyond it.
            before = watched.snapshot or Snapshot()
            refs = _incomplete(before.refs)
            self._take_in(watched, _failed(before, watched.source, error, refs=refs))
            raise
        return self._take_in(watched, snapshot)

    def _take_in(self, watched: _Watched, snapshot: Snapshot) -> float | None:
        """Take note of what was seen, and say so; return the seconds until the next poll."""
        if self._watched.get(watched.source.key) is not watched:
            return None
        watched.snapshot = snapshot
        wait = _next_wait(watched.interval, snapshot)
        watched.next_poll_at = self._now() + wait
        GIT_POLLS.labels(result="failed" if snapshot.problem else "ok").inc()
        self._on_polled(tuple(watched.intervals))
        return wait

    async def _look(self, watched: _Watched) -> Snapshot:
        source, before = watched.source, watched.snapshot or Snapshot()
        try:
            async with asyncio.timeout(self._timeout):
                provider = await self._provider(source, before)
                refs = await self._refs.list_refs(source.url, source.credentials)
        except (AdapterError, TimeoutError) as error:
            return _failed(before, source, error, refs=_incomplete(before.refs))
        try:
            async with asyncio.timeout(self._timeout):
                pull_requests = await self._pull_requests(source, provider, refs, before)
        except (AdapterError, TimeoutError) as error:
            return _failed(replace(before, provider=provider), source, error, refs=refs)
        return Snapshot(refs, pull_requests, provider, None, self._now())

    async def _provider(self, source: Source, before: Snapshot) -> str:
        if source.provider != "auto":
            return source.provider
        if before.provider in _FORGES:
            return before.provider
        # A login page in the forge's place looks like no forge at all: asked anew each time.
        return await self._forge.detect(source.url, source.api_url, source.credentials)

    async def _pull_requests(
        self, source: Source, provider: str, refs: RefListing, before: Snapshot
    ) -> PullRequestListing:
        if provider == "git" or not refs.branches:
            # Forges answer that they know no pull requests of a repository that is still empty.
            return PullRequestListing()
        repository = forge_repository(source.url, source.api_url)
        listing = await self._forge.open_pull_requests(repository, source.credentials)
        if listing.complete and not listing.items:
            return replace(listing, empty_answers=before.pull_requests.empty_answers + 1)
        return listing


def _next_wait(interval: float, snapshot: Snapshot) -> float:
    """Return the seconds until the next poll: longer after failures, and never all at once."""
    if snapshot.problem is None and snapshot.pull_requests.empty_answers == 1:
        return _SECOND_LOOK
    factor = min(max(snapshot.failures, 1), _LONGEST_BACKOFF_FACTOR)
    asked_for = (snapshot.problem.retry_after or 0.0) if snapshot.problem else 0.0
    wait = interval * factor
    # Never later than the interval, which is a promise, and never before the server wants it.
    return max(asked_for, wait * random.uniform(1.0 - _JITTER, 1.0))  # noqa: S311 - no secret


def _failed(before: Snapshot, source: Source, error: Exception, *, refs: RefListing) -> Snapshot:
    if isinstance(error, AdapterError):
        retry_after = getattr(error, "retry_after", None)
        problem = Blocked(error.reason, error.message, isinstance(error, Stalled), retry_after)
    else:
        in_time = "in time" if isinstance(error, TimeoutError) else "as expected"
        problem = Blocked(
            Reason.REPOSITORY_UNREACHABLE,
            f"{source.host} did not answer {in_time}; Kapsa tries again",
        )
    log.warning("poll failed", host=source.host, reason=problem.reason, error=problem.message)
    return Snapshot(
        refs=refs,
        pull_requests=replace(before.pull_requests, complete=False, empty_answers=0),
        provider=before.provider,
        problem=problem,
        listed_at=before.listed_at,
        failures=before.failures + 1,
    )


def _incomplete(refs: RefListing) -> RefListing:
    return replace(refs, complete=False)
