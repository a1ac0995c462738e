"""Read the refs of a git repository over https, with git itself."""

import asyncio
import re
import threading
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled
from kapsa.adapters.git_problems import problem_of, unreachable
from kapsa.adapters.git_process import Ending, GitCommand, GitResult
from kapsa.adapters.git_remote import GitRemote
from kapsa.core.projects.listings import RefListing
from kapsa.core.projects.ref_lines import read_refs
from kapsa.models.reasons import Reason

REF_LIMIT = 100_000
"""Most lines that are read of one repository: branches, pull requests and tags, of which an
annotated one has two."""
OUTPUT_LIMIT = 16 * 1024 * 1024
"""Most bytes of a listing."""

_PATTERNS = ("refs/heads/*", "refs/pull/*/head", "refs/merge-requests/*/head", "refs/tags/*")
"""Branches, the heads of what GitHub and Gitea, and GitLab, call by these names, and tags."""
_SMART = re.compile(r'^\{"event":"data",.*"key":"negotiated-version"', re.MULTILINE)
_NOT_GIT = "it does not answer as a git server; check that it is the address of a repository"
_TRACE = {"GIT_TRACE2_EVENT": "2", "GIT_TRACE2_EVENT_BRIEF": "1"}
"""Has git say on standard error which protocol the server speaks."""
_OLDEST_GIT = (2, 37)


@dataclass(frozen=True)
class GitClient:
    """Lists the refs of repositories on other people's servers.

    Attributes:
        policy: Which addresses may be dialled.
        executor: Threads in which git is waited for: one for each listing under way. Its size is
            the most listings at a time.
        timeout: Seconds for one listing, waiting for a thread included. A cancelled listing frees
            its thread within a fraction of a second.
        allow_http: Whether plain http is allowed.
        ca_file: File with the certificate authorities to trust; empty: the system's.
    """

    policy: AddressPolicy
    executor: Executor
    timeout: float = 30.0
    allow_http: bool = False
    ca_file: str = ""

    async def list_refs(self, url: str, credentials: Credentials | None = None) -> RefListing:
        """Return the branches, tags and heads of pull requests of the repository at `url`.

        The listing is complete if git succeeded and every line was understood. Branches and tags
        whose name isn't UTF-8 or is longer than 250 characters are left out, since they can't be
        written into a Kubernetes object. The server must speak git's smart protocol, as all forges
        do.

        Args:
            url: `https://host[:port]/path`, without a user.
            credentials: Sent to that host only, and only if it asks.

        Raises:
            Stalled: RepositoryRefused, RepositoryNotFound, AuthenticationFailed or
                RepositoryTooLarge.
            Waiting: RepositoryUnreachable or RateLimited.
        """
        deadline = time.monotonic() + self.timeout
        cancelled = threading.Event()
        remote = GitRemote(self.policy, self.allow_http, self.ca_file)
        try:
            async with asyncio.timeout(self.timeout):
                route = await remote.route(url, self.timeout)
                # ls-remote matches patterns against the end of a ref too; `read_refs` drops the
                # strangers.
                command = GitCommand(
                    [*route.options, "ls-remote", "--quiet", "--", url, *_PATTERNS],
                    {**route.environment, **_TRACE},
                    credentials,
                    OUTPUT_LIMIT,
                )
                loop = asyncio.get_running_loop()
                run = partial(command.run, deadline, cancelled)
                result = await loop.run_in_executor(self.executor, run)
        except TimeoutError:
            result = GitResult(Ending.TIMED_OUT, -1, b"", "")
        finally:
            cancelled.set()
        problem = _problem(url, result, credentials, self.timeout)
        if problem is not None:
            raise problem
        return _listing(url, result.output)


def require_git(version: tuple[int, ...]) -> None:
    """Raise RuntimeError unless `version`, such as (2, 39, 5), has what safety needs.

    `http.curloptResolve`, by which git dials the address that was checked, came with 2.37; an
    older git ignores it silently. For the start of the operator, with `git.cmd.Git().version_info`.
    """
    if version[:2] < _OLDEST_GIT:
        raise RuntimeError(
            "Kapsa needs git 2.37 or newer: an older one can't be told which address to use"
        )


def _listing(url: str, output: bytes) -> RefListing:
    if output.count(b"\n") > REF_LIMIT:
        raise _too_large(url)
    return read_refs(output)


def _problem(
    url: str, result: GitResult, credentials: Credentials | None, timeout: float
) -> AdapterError | None:
    """Return what kept git from listing the refs, if anything did."""
    problem = problem_of(url, result, credentials, timeout, _too_large(url))
    # Whatever else a server says with status 200, git takes for the listing of a "dumb" server: an
    # empty answer, or a web page without a line break, for an empty repository.
    if problem is None and not _SMART.search(result.errors):
        return unreachable(url, _NOT_GIT)
    return problem


def _too_large(url: str) -> Stalled:
    return Stalled(
        Reason.REPOSITORY_TOO_LARGE,
        f"{url} has too many refs: Kapsa reads at most {REF_LIMIT} branches, pull requests and"
        f" tags, and {OUTPUT_LIMIT // 2**20} MiB. Delete branches and tags that nobody needs.",
    )
