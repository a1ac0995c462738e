"""A bare partial clone: commits and trees of a repository, without the content of files.

Every commit is fetched for itself (`--depth=1 --filter=blob:none`), as a difference to those that
are there. A server that knows no filter sends the content as well; the bound of size holds then.

Nothing here may reach for what is missing: git would fetch it by itself, so commands that only
read may use no protocol at all.
"""

import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.git_process import Ending, GitCommand, GitResult
from kapsa.adapters.git_remote import Route, as_options, bare_environment

OUTPUT_LIMIT: Final = 32 * 1024 * 1024
"""Most bytes that a command may print."""

_SETTINGS: Final = as_options(
    {
        # Files of the clone decide nothing, whatever comes to be in them.
        "core.hooksPath": os.devnull,
        "core.fsmonitor": "false",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "submodule.recurse": "false",
        "transfer.bundleURI": "false",
        "transfer.fsckObjects": "true",
        # Blemishes of old histories that forges let pass.
        "fetch.fsck.badTimezone": "ignore",
        "fetch.fsck.missingSpaceBeforeDate": "ignore",
        "fetch.fsck.zeroPaddedFilemode": "ignore",
        # Bounds of memory: large files are not taken apart, and packs are mapped in pieces.
        "core.bigFileThreshold": "1m",
        "core.packedGitWindowSize": "16m",
        "core.packedGitLimit": "64m",
        "pack.threads": "1",
    }
)
_CLOSED: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}
_FETCH: Final = (
    *("fetch", "--quiet", "--filter=blob:none", "--no-tags", "--refmap="),
    *("--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"),
)
_OWN_REFS: Final = "refs/kapsa"
_ALL_REFS: Final = ("heads/*", "tags/*", "pull/*/head", "merge-requests/*/head")
_DEPTH_OF_ALL: Final = 100
"""How far from what refs name a commit may be, on a server that gives nothing else."""
_TIPS_ONLY: Final = "Server does not allow request for unadvertised object"


@dataclass(frozen=True)
class Bounds:
    """When a git command ends at the latest.

    Attributes:
        deadline: Value of `time.monotonic()` at which it is killed.
        cancelled: Once set, it is killed.
    """

    deadline: float
    cancelled: threading.Event

    def run(self, command: GitCommand) -> GitResult:
        """Run a command within them."""
        return command.run(self.deadline, self.cancelled)


@dataclass(frozen=True)
class Request:
    """What is to be fetched, and how.

    Attributes:
        url: The repository.
        commit: Full object name of the commit.
        route: The way to the server.
        credentials: What git may answer if the server asks.
        size: Most bytes that the server may send.
    """

    url: str
    commit: str
    route: Route
    credentials: Credentials | None
    size: int


@dataclass(eq=False)
class Clone:
    """A clone in a directory of its own. One thread at a time may use it.

    Attributes:
        path: The directory; it comes to be with the first fetch.
        commits: Commits that are there with all their trees.
        fetches: How many times something was fetched; each leaves a pack.
        size: Bytes that it takes.
    """

    path: Path
    commits: set[str] = field(default_factory=set)
    fetches: int = 0
    size: int = 0

    def fetch(self, request: Request, bounds: Bounds) -> GitResult:
        """Fetch a commit; the result is git's. The commit is in `commits` if the server gave it.

        A clone in which git was stopped is thrown away: nobody knows what it was about to do.
        """
        result = self._make(request, bounds)
        if _went_well(result):
            own = f"{request.commit}:{_OWN_REFS}/commits/{request.commit}"
            result = self._fetch(request, bounds, 1, own)
            if result.status > 0 and _TIPS_ONLY in result.errors:
                refs = (f"refs/{ref}:{_OWN_REFS}/{ref}" for ref in _ALL_REFS)
                result = self._fetch(request, bounds, _DEPTH_OF_ALL, *refs)
            if _went_well(result) and _went_well(
                self.read(bounds, "cat-file", "-e", request.commit)
            ):
                self.commits.add(request.commit)
        if result.ending is not Ending.EXITED or result.status < 0:
            self.throw_away()
        self._tidy_up()
        return result

    def read(self, bounds: Bounds, *arguments: str) -> GitResult:
        """Run a git command that reads what is there, such as `cat-file`."""
        return bounds.run(self._command(arguments, bare_environment()))

    def throw_away(self) -> None:
        """Begin anew, with nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.commits.clear()
        self.fetches = self.size = 0

    def _make(self, request: Request, bounds: Bounds) -> GitResult:
        if self.commits:
            return GitResult(Ending.EXITED, 0, b"", "")
        self.throw_away()
        algorithm = "sha256" if len(request.commit) == 64 else "sha1"
        arguments = ("init", "--bare", "--quiet", "--template=", f"--object-format={algorithm}")
        return bounds.run(self._command(arguments, bare_environment(), size=request.size))

    def _fetch(self, request: Request, bounds: Bounds, depth: int, *refs: str) -> GitResult:
        self.fetches += 1
        route = request.route
        arguments = (
            *(*route.options, *_FETCH, f"--depth={depth}", "--", request.url),
            *(f"+{ref}" for ref in refs),
        )
        command = self._command(arguments, route.environment, request.credentials, request.size)
        return bounds.run(command)

    def _command(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        credentials: Credentials | None = None,
        size: int = 0,
    ) -> GitCommand:
        return GitCommand(
            [*_SETTINGS, *arguments],
            {**environment, **_CLOSED, "GIT_DIR": str(self.path)},
            credentials,
            OUTPUT_LIMIT,
            size,
        )

    def _tidy_up(self) -> None:
        """Remove what a fetch that failed has left, and measure the rest."""
        for left in self.path.glob("objects/pack/tmp_*"):
            left.unlink(missing_ok=True)
        self.size = sum(
            os.lstat(Path(directory, name)).st_size
            for directory, _, names in os.walk(self.path)
            for name in names
        )


def _went_well(result: GitResult) -> bool:
    return result.ending is Ending.EXITED and result.status == 0
