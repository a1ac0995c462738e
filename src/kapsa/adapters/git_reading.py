"""Read what a clone holds of a commit."""

from kapsa.adapters.errors import Stalled
from kapsa.adapters.git_clone import OUTPUT_LIMIT, Bounds, Clone
from kapsa.adapters.git_problems import unreachable
from kapsa.adapters.git_process import Ending
from kapsa.core.builds.source import (
    FILE_LIMIT,
    Source,
    UnreadableObjectError,
    path_of,
    read_commit,
    read_directory,
    read_files,
)
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

_MIB = 2**20


class DamagedError(Exception):
    """A clone does not hold what was fetched into it."""


def read_source(
    clone: Clone, bounds: Bounds, url: str, commit: str, context: str, *, with_files: bool
) -> Source:
    """Return a directory as it is at a commit that the clone has.

    Args:
        clone: The clone.
        bounds: When to end at the latest.
        url: The repository, for messages.
        commit: Full object name of the commit.
        context: The directory; `.` for the root.
        with_files: Whether its files are to be named.

    Raises:
        DamagedError: The clone is to be thrown away.
        Stalled: ContextNotFound or RepositoryTooLarge.
        Waiting: RepositoryUnreachable; there was no time.
    """
    look = _Look(clone, bounds, url, commit)
    try:
        tree, message = read_commit(look.output("cat-file", "commit", commit))
        path = path_of(context)
        if path != "":
            tree = look.directory(path, context)
        files = look.files(tree) if with_files else ()
    except UnreadableObjectError as error:
        raise DamagedError(str(error)) from error
    return Source(tree, message, files)


class _Look:
    """One look into a clone."""

    def __init__(self, clone: Clone, bounds: Bounds, url: str, commit: str) -> None:
        self._clone = clone
        self._bounds = bounds
        self._url = url
        self._commit = commit

    def directory(self, path: str | None, context: str) -> str:
        found = None
        if path is not None:
            listing = self.output("ls-tree", "-z", "--full-tree", self._commit, "--", path)
            found = read_directory(listing)
        if found is None:
            raise Stalled(
                Reason.CONTEXT_NOT_FOUND,
                f"Commit {self._commit[:7]} of {self._url} has no directory"
                f" {sanitise(context, 250)}: correct spec.build.context, or add it.",
            )
        return found

    def files(self, tree: str) -> tuple[tuple[str, str], ...]:
        listing = self.output("ls-tree", "-r", "-z", "--full-tree", tree)
        if listing.count(b"\0") > FILE_LIMIT:
            raise self._too_large()
        return read_files(listing)

    def output(self, *arguments: str) -> bytes:
        """Return what git prints."""
        result = self._clone.read(self._bounds, *arguments)
        if result.ending is Ending.TOO_LARGE:
            raise self._too_large()
        if result.ending is not Ending.EXITED:
            raise unreachable(self._url, "the operator had no time to look into its copy")
        if result.status != 0:
            raise DamagedError(f"git {arguments[0]} ended with status {result.status}")
        return result.output

    def _too_large(self) -> Stalled:
        return Stalled(
            Reason.REPOSITORY_TOO_LARGE,
            f"Commit {self._commit[:7]} of {self._url} names too many files: Kapsa reads at most"
            f" {FILE_LIMIT}, and {OUTPUT_LIMIT // _MIB} MiB of names. Set spec.build.context to the"
            " directory that is built, or leave out spec.build.paths.",
        )
