"""Read the refs of a git repository over https, with git itself."""

import asyncio
import os
import re
import signal
import threading
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from urllib.parse import SplitResult, urlsplit

from kapsa.adapters.addresses import AddressPolicy, is_literal, require_https
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.git_process import Ending, GitCommand, GitResult
from kapsa.core.projects.listings import RefListing
from kapsa.core.projects.ref_lines import read_refs
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

REF_LIMIT = 100_000
"""Most lines that are read of one repository: branches, pull requests and tags, of which an
annotated one has two."""
OUTPUT_LIMIT = 16 * 1024 * 1024
"""Most bytes of a listing."""

_URL = re.compile(
    r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/[A-Za-z0-9._~/+-]+"
)
_PATTERNS = ("refs/heads/*", "refs/pull/*/head", "refs/merge-requests/*/head", "refs/tags/*")
"""Branches, the heads of what GitHub and Gitea, and GitLab, call by these names, and tags."""
_HTTP_ERROR = re.compile(r"The requested URL returned error: ([0-9]{3})")
_UNAUTHORISED = re.compile(r"Authentication failed for|could not read (Username|Password)")
_NOT_FOUND = re.compile(r"repository '.*' not found$")
_MEMORY_SIGNALS = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV})
_NO_MEMORY = re.compile(r"out of memory|malloc failed|cannot allocate memory", re.IGNORECASE)
_SMART = re.compile(r'^\{"event":"data",.*"key":"negotiated-version"', re.MULTILINE)
_NOT_GITS_WORDS = ("remote:", '{"event":')
_NOT_GIT = "it does not answer as a git server; check that it is the address of a repository"
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
        parts = self._checked(url)
        host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
        cancelled = threading.Event()
        try:
            async with asyncio.timeout(self.timeout):
                addresses = await self.policy.resolve(host, port)
                command = self._command(
                    url, parts.scheme, credentials, _pinned(host, port, addresses)
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

    def _checked(self, url: str) -> SplitResult:
        require_https(url, allow_http=self.allow_http)
        # A host with a final dot would not match the address that is pinned for it.
        if not _URL.fullmatch(url):
            raise Stalled(
                Reason.REPOSITORY_REFUSED,
                f"{sanitise(url, 300)} can't be a repository: write https://host/path without a"
                " user, a query or special characters.",
            )
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise Stalled(
                Reason.REPOSITORY_REFUSED, f"{sanitise(url, 300)} has an impossible port."
            ) from None
        return parts

    def _command(
        self, url: str, scheme: str, credentials: Credentials | None, pinned: str
    ) -> GitCommand:
        settings = {
            "protocol.version": "2",
            "http.followRedirects": "false",
            "http.sslVerify": "true",
            "http.lowSpeedLimit": "100",
            "http.lowSpeedTime": str(max(1, int(self.timeout))),
            "core.askPass": "",
        }
        if pinned:
            settings["http.curloptResolve"] = pinned
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        # ls-remote matches patterns against the end of a ref too; `_listing` drops the strangers.
        return GitCommand(
            [*options, "ls-remote", "--quiet", "--", url, *_PATTERNS],
            self._environment(scheme),
            credentials,
            OUTPUT_LIMIT,
        )

    def _environment(self, scheme: str) -> dict[str, str]:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            # No .netrc, no repository around, no configuration but that of the command line.
            "HOME": "/nonexistent",
            "GIT_DIR": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": scheme,
            "GIT_TRACE2_EVENT": "2",
            "GIT_TRACE2_EVENT_BRIEF": "1",
        }
        if self.ca_file:
            environment["GIT_SSL_CAINFO"] = self.ca_file
        return environment


def require_git(version: tuple[int, ...]) -> None:
    """Raise RuntimeError unless `version`, such as (2, 39, 5), has what safety needs.

    `http.curloptResolve`, by which git dials the address that was checked, came with 2.37; an
    older git ignores it silently. For the start of the operator, with `git.cmd.Git().version_info`.
    """
    if version[:2] < _OLDEST_GIT:
        raise RuntimeError(
            "Kapsa needs git 2.37 or newer: an older one can't be told which address to use"
        )


def _pinned(host: str, port: int, addresses: tuple[str, ...]) -> str:
    """Return the value of `http.curloptResolve`; literal addresses need none."""
    if is_literal(host):
        return ""
    written = (f"[{address}]" if ":" in address else address for address in addresses)
    return f"{host}:{port}:{','.join(written)}"


def _listing(url: str, output: bytes) -> RefListing:
    if output.count(b"\n") > REF_LIMIT:
        raise _too_large(url)
    return read_refs(output)


def _problem(
    url: str, result: GitResult, credentials: Credentials | None, timeout: float
) -> AdapterError | None:
    """Return what kept git from listing the refs, if anything did."""
    if result.ending is Ending.TOO_LARGE:
        return _too_large(url)
    if result.ending is not Ending.EXITED:
        return _unreachable(url, f"it did not answer within {timeout:g} s")
    if result.status == 0:
        # Whatever else a server says with status 200, git takes for the listing of a "dumb" server:
        # an empty answer, or a web page without a line break, for an empty repository.
        return None if _SMART.search(result.errors) else _unreachable(url, _NOT_GIT)
    if -result.status in _MEMORY_SIGNALS:
        return _too_large(url)
    return _git_problem(url, _words(result, credentials), credentials)


def _words(result: GitResult, credentials: Credentials | None) -> str:
    # What the server says is on lines that begin with `remote:`; it decides nothing.
    lines = [line for line in result.errors.split("\n") if not line.startswith(_NOT_GITS_WORDS)]
    words = " ".join(filter(None, lines[-3:])).removeprefix("fatal: ")
    secrets = credentials.secrets if credentials else ()
    return sanitise(words, 400, secrets) or f"git ended with status {result.status}"


def _git_problem(url: str, words: str, credentials: Credentials | None) -> AdapterError:
    if _NO_MEMORY.search(words):
        return _too_large(url)
    if _UNAUTHORISED.search(words):
        return _unauthorised(url, credentials)
    if _NOT_FOUND.search(words):
        return _not_found(url, credentials)
    status = _HTTP_ERROR.search(words)
    return _http_problem(url, int(status[1]), credentials) if status else _unreachable(url, words)


def _http_problem(url: str, status: int, credentials: Credentials | None) -> AdapterError:
    if status in {401, 403}:
        return _unauthorised(url, credentials)
    if status in {404, 410}:
        return _not_found(url, credentials)
    if status == 429:
        return Waiting(Reason.RATE_LIMITED, f"The server of {url} asks for a pause.", 60.0)
    if 300 <= status < 400:
        return Stalled(
            Reason.REPOSITORY_NOT_FOUND,
            f"The server of {url} redirects to another address, which Kapsa does not follow, as the"
            " credentials would go there: write the new address into spec.repository.url.",
        )
    return _unreachable(url, f"it answered HTTP {status}")


def _unauthorised(url: str, credentials: Credentials | None) -> Stalled:
    what = (
        "refuses the credentials: check that they are valid and may read the repository"
        if credentials
        else "asks for credentials: name a Secret in spec.repository.credentials, or correct the"
        " address; some servers answer so for a repository that does not exist"
    )
    return Stalled(Reason.AUTHENTICATION_FAILED, f"The server of {url} {what}.")


def _not_found(url: str, credentials: Credentials | None) -> Stalled:
    whose = "these credentials may" if credentials else "it is private, and credentials must"
    return Stalled(
        Reason.REPOSITORY_NOT_FOUND,
        f"The server knows no repository {url}: correct the address, or {whose}"
        f" {'not read it' if credentials else 'be named'}.",
    )


def _unreachable(url: str, what: str) -> Waiting:
    return Waiting(Reason.REPOSITORY_UNREACHABLE, f"{url} can't be read now: {what.rstrip('.?')}.")


def _too_large(url: str) -> Stalled:
    return Stalled(
        Reason.REPOSITORY_TOO_LARGE,
        f"{url} has too many refs: Kapsa reads at most {REF_LIMIT} branches, pull requests and"
        f" tags, and {OUTPUT_LIMIT // 2**20} MiB. Delete branches and tags that nobody needs.",
    )
