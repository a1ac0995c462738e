"""Knows what is to be built of commits, and reads what it does not know, each commit once."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final, Protocol
from weakref import WeakValueDictionary

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError
from kapsa.controllers.reconciling.outcome import interpret
from kapsa.controllers.secrets import repository_credentials
from kapsa.core import labels
from kapsa.core.builds.keys import names_paths
from kapsa.core.builds.source import Source
from kapsa.core.conditions import Blocked
from kapsa.metrics import SOURCE_READS
from kapsa.models.project import Project
from kapsa.models.reasons import Reason

_REMEMBERED: Final = 16 * 1024 * 1024
"""Most bytes of sources in memory, roughly."""
_BESIDE_TEXT: Final = 200
"""What a file or a source takes beside its text, roughly (bytes)."""
_MOST_FAILURES: Final = 1000
"""Failures at which those whose time has come are forgotten."""
_LONGEST_BACKOFF: Final = 600.0
_SECRET_MAY_MEND: Final = frozenset(
    {
        Reason.AUTHENTICATION_FAILED,
        Reason.REPOSITORY_NOT_FOUND,
        Reason.SECRET_NOT_FOUND,
        Reason.SECRET_INVALID,
    }
)
_OF_THE_COMMIT: Final = frozenset(
    {Reason.COMMIT_NOT_FOUND, Reason.CONTEXT_NOT_FOUND, Reason.REPOSITORY_TOO_LARGE}
)
"""Failures that say nothing about the repository's other commits."""


class SourceRepositories(Protocol):
    """Reads commits; see `kapsa.adapters.git_repository.GitRepositories`."""

    async def read_source(
        self,
        url: str,
        commit: str,
        *,
        context: str,
        with_files: bool,
        credentials: Credentials | None,
    ) -> Source:
        """Return a directory as it is at a commit."""


@dataclass(frozen=True)
class _Wanted:
    """What is asked for; equal for what has the same answer.

    The Project is a part of it: nobody sees what another one's credentials have opened.
    """

    project_uid: str
    url: str
    commit: str
    context: str
    with_files: bool

    @property
    def repository(self) -> "_Wanted":
        """The same, of any commit."""
        return replace(self, commit="", context="", with_files=False)


@dataclass(frozen=True)
class _Failure:
    blocked: Blocked
    again_at: float
    times: int
    requested_at: str


class SourceReader:
    """Reads what is to be built, and remembers it, and for a while what could not be read."""

    def __init__(
        self,
        cluster: Cluster,
        repositories: SourceRepositories,
        *,
        patience: float = 5.0,
        longest_retry: float = 60.0,
    ) -> None:
        """Take the means.

        Args:
            cluster: The API, for the Secrets of Projects.
            repositories: Reads commits.
            patience: Seconds that a caller waits for an answer; the reading goes on without it.
            longest_retry: Most seconds until the next look where a Secret may have to be changed:
                Secrets of Projects aren't watched.
        """
        self._cluster = cluster
        self._repositories = repositories
        self._patience = patience
        self._longest_retry = longest_retry
        self._sources: OrderedDict[_Wanted, Source] = OrderedDict()
        self._size = 0
        self._failures: dict[_Wanted, _Failure] = {}
        self._under_way: dict[_Wanted, asyncio.Task[Source | Blocked]] = {}
        self._turns: WeakValueDictionary[_Wanted, asyncio.Lock] = WeakValueDictionary()

    async def read(self, project: Project, commit: str) -> Source | Blocked:
        """Return the build context of a commit, or why it isn't known, with the time to ask again.

        A failure is remembered for a while, or until the Project's `requestedAt` is another. Files
        are named only where `spec.build.paths` chooses among them.
        """
        build = project.spec.build
        wanted = _Wanted(
            project.metadata.uid,
            project.spec.repository.url,
            commit,
            build.context or ".",
            names_paths(build),
        )
        if wanted in self._sources:
            self._sources.move_to_end(wanted)
            return self._sources[wanted]
        task = self._under_way.get(wanted)
        if task is None:
            failure = self._remembered(project, wanted)
            if failure is not None:
                return failure
            task = asyncio.create_task(self._read(project, wanted), name=f"read {commit[:7]}")
            self._under_way[wanted] = task
            task.add_done_callback(lambda _: self._under_way.pop(wanted))
        await asyncio.wait((task,), timeout=self._patience)
        if task.done():
            return task.result()
        return Blocked(
            Reason.REPOSITORY_NOT_READ,
            f"commit {commit[:7]} of {wanted.url} is being read",
            retry_after=self._patience,
        )

    def _remembered(self, project: Project, wanted: _Wanted) -> Blocked | None:
        now = asyncio.get_running_loop().time()
        for key in (wanted, wanted.repository):
            failure = self._failures.get(key)
            if failure is None or failure.requested_at != _requested_at(project):
                continue
            if now < failure.again_at:
                return replace(failure.blocked, retry_after=failure.again_at - now)
        return None

    async def _read(self, project: Project, wanted: _Wanted) -> Source | Blocked:
        # One commit at a time: what keeps one from being read is told to those that wait.
        async with self._turns.setdefault(wanted.repository, asyncio.Lock()):
            return self._remembered(project, wanted) or await self._ask(project, wanted)

    async def _ask(self, project: Project, wanted: _Wanted) -> Source | Blocked:
        try:
            source = await self._repositories.read_source(
                wanted.url,
                wanted.commit,
                context=wanted.context,
                with_files=wanted.with_files,
                credentials=await repository_credentials(self._cluster, project),
            )
        except AdapterError as error:
            SOURCE_READS.labels(result="failed").inc()
            return self._failed(project, wanted, interpret(error).blocked)
        SOURCE_READS.labels(result="read").inc()
        self._failures.pop(wanted, None)
        self._failures.pop(wanted.repository, None)
        self._remember(wanted, source)
        return source

    def _failed(self, project: Project, wanted: _Wanted, blocked: Blocked) -> Blocked:
        """Remember a failure for as long as it is not worth while to try again."""
        now = asyncio.get_running_loop().time()
        key = wanted if blocked.reason in _OF_THE_COMMIT else wanted.repository
        before = self._failures.get(key)
        times = before.times + 1 if before else 1
        retry = blocked.retry_after or 0.0
        if not blocked.stalled:
            retry = max(retry, min(retry * 2 ** (times - 1), _LONGEST_BACKOFF))
        elif blocked.reason in _SECRET_MAY_MEND:
            retry = min(retry, self._longest_retry)
        if len(self._failures) >= _MOST_FAILURES:
            # Of commits that nobody asks for any more.
            self._failures = {k: held for k, held in self._failures.items() if now < held.again_at}
        blocked = replace(blocked, retry_after=retry)
        self._failures[key] = _Failure(blocked, now + retry, times, _requested_at(project))
        return blocked

    def _remember(self, wanted: _Wanted, source: Source) -> None:
        if _weight(source) > _REMEMBERED:
            return
        self._sources[wanted] = source
        self._size += _weight(source)
        while self._size > _REMEMBERED:
            _, forgotten = self._sources.popitem(last=False)
            self._size -= _weight(forgotten)


def _requested_at(project: Project) -> str:
    """Return when somebody last wanted it to be tried at once; nothing for never."""
    return labels.requested_at(project.metadata.annotations)


def _weight(source: Source) -> int:
    names = sum(len(path) + len(name) + _BESIDE_TEXT for path, name in source.files)
    return names + len(source.message) + _BESIDE_TEXT
