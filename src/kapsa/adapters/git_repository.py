"""Read what a commit holds, by git itself: its tree, its message and the names of its files."""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Final, TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.git_cache import CacheDirectory, GitCache
from kapsa.adapters.git_clone import Bounds, Clone, Request
from kapsa.adapters.git_problems import problem_of, unreachable
from kapsa.adapters.git_process import GitResult
from kapsa.adapters.git_reading import DamagedError, read_source
from kapsa.adapters.git_remote import GitRemote
from kapsa.core.builds.source import Source
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

FETCH_LIMIT: Final = 256 * 1024 * 1024
"""Most bytes that a server may send for one commit; or half of the cache, if that is less."""

_MOST_FETCHES: Final = 200
"""Fetches after which a clone is made anew: each leaves a pack, and git looks into all of them."""
_PER_HOST: Final = 2
"""Most fetches from one host at a time: a server that hangs does not take all threads."""
_NOT_OURS: Final = re.compile(r"^fatal: remote error: .*\bnot (our ref|valid)\b", re.MULTILINE)

_Result = TypeVar("_Result")


class GitRepositories:
    """Reads commits of other people's repositories, and keeps what was fetched for the next one.

    What was read once is read again without asking the server.
    """

    def __init__(
        self,
        remote: GitRemote,
        executor: Executor,
        *,
        directory: str = "",
        cache_size: int,
        timeout: float = 120.0,
    ) -> None:
        """Take the means; nothing is written yet.

        Args:
            remote: How servers may be reached.
            executor: Threads in which git is waited for.
            directory: Where clones are kept; nothing for a place among the temporary files.
            cache_size: Most bytes of clones that nobody uses just now. What is being fetched comes
                on top, for each thread at most half of it, and `FETCH_LIMIT`.
            timeout: Seconds for one fetch, and for one look into a clone.
        """
        self._remote = remote
        self._executor = executor
        self._parent = directory
        self._size = cache_size
        self._timeout = timeout
        self._directory: CacheDirectory | None = None
        self._cache: GitCache | None = None
        self._opening = asyncio.Lock()
        self._under_way: set[threading.Event] = set()
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def read_source(
        self,
        url: str,
        commit: str,
        *,
        context: str = ".",
        with_files: bool,
        credentials: Credentials | None = None,
    ) -> Source:
        """Return a directory of a repository as it is at a commit.

        Args:
            url: `https://host[:port]/path`, without a user.
            commit: Full object name of the commit.
            context: The directory; `.` for the root.
            with_files: Whether its files are to be named.
            credentials: Sent to that host only, and only if it asks.

        Raises:
            Stalled: RepositoryRefused, RepositoryNotFound, AuthenticationFailed,
                RepositoryTooLarge, ContextNotFound, or BuildNotPossible where nothing can be kept.
            Waiting: RepositoryUnreachable, RateLimited or CommitNotFound.
        """
        self._remote.checked(url)
        cache = await self._open()
        async with cache.lend(url, credentials) as clone:

            def read(bounds: Bounds) -> Source:
                return read_source(clone, bounds, url, commit, context, with_files=with_files)

            for _ in range(2):
                if commit not in clone.commits:
                    await self._fetch(clone, url, commit, credentials)
                with suppress(DamagedError):
                    return await self._in_thread(read)
                await self._in_thread(lambda _: clone.throw_away())
        raise unreachable(url, f"what the server sends of commit {commit} is not understood")

    def close(self) -> None:
        """Stop what is under way, and remove all clones. To be called last."""
        for cancelled in self._under_way:
            cancelled.set()
        directory, self._directory = self._directory, None
        if directory is not None:
            directory.close()

    async def _open(self) -> GitCache:
        async with self._opening:
            if self._cache is None:
                try:
                    directory = await self._in_thread(lambda _: CacheDirectory(self._parent))
                except OSError as error:
                    raise Stalled(
                        Reason.BUILD_NOT_POSSIBLE,
                        "The operator can't keep what it reads of repositories:"
                        f" {sanitise(str(error), 300)}; ask an admin to set"
                        " KAPSA_GIT_CACHE_DIRECTORY to a directory that it may write to.",
                        retry_after=60.0,
                    ) from error
                self._directory = directory
                self._cache = GitCache(directory.path, self._size)
        return self._cache

    async def _fetch(
        self, clone: Clone, url: str, commit: str, credentials: Credentials | None
    ) -> None:
        size = min(FETCH_LIMIT, self._size // 2)
        async with self._hosts.setdefault(urlsplit(url).netloc, asyncio.Semaphore(_PER_HOST)):
            route = await self._remote.route(url, self._timeout)
            request = Request(url, commit, route, credentials, size)

            def fetch(bounds: Bounds) -> GitResult:
                if clone.fetches >= _MOST_FETCHES:
                    clone.throw_away()
                return clone.fetch(request, bounds)

            result = await self._in_thread(fetch)
        too_large = _too_large(url, commit, size)
        problem = problem_of(url, result, credentials, self._timeout, too_large)
        if commit in clone.commits:
            return
        if problem is None or (result.status > 0 and _NOT_OURS.search(result.errors)):
            raise _commit_not_found(url, commit)
        raise problem

    async def _in_thread(self, work: Callable[[Bounds], _Result]) -> _Result:
        """Do `work`; where that is cancelled, return only after its thread has let go."""
        cancelled = threading.Event()

        def run() -> _Result:
            return work(Bounds(time.monotonic() + self._timeout, cancelled))

        self._under_way.add(cancelled)
        submitted = self._executor.submit(run)
        done = asyncio.wrap_future(submitted)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            cancelled.set()
            submitted.cancel()
            await _settled(done)
            raise
        finally:
            self._under_way.discard(cancelled)


async def _settled(done: "asyncio.Future[_Result]") -> None:
    while not done.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait((done,))
    if not done.cancelled():
        done.exception()


def _commit_not_found(url: str, commit: str) -> Waiting:
    return Waiting(
        Reason.COMMIT_NOT_FOUND,
        f"{url} does not give commit {commit}: it may be gone, or the server gives only what"
        " branches, tags and pull requests name.",
        60.0,
    )


def _too_large(url: str, commit: str, size: int) -> Stalled:
    return Stalled(
        Reason.REPOSITORY_TOO_LARGE,
        f"Commit {commit[:7]} of {url} is too large: Kapsa fetches at most {size // 2**20} MiB, of"
        " trees alone where the server knows git's filter blob:none, and of all files where it"
        " does not.",
    )
