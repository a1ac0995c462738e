"""What a failure of git means: its exit status and its own words, as reasons and advice.

What the server says decides nothing, except where git's protocol gives it a meaning.
"""

import re
import signal

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.git_process import Ending, GitResult
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

_HTTP_ERROR = re.compile(r"The requested URL returned error: ([0-9]{3})")
_UNAUTHORISED = re.compile(r"Authentication failed for|could not read (Username|Password)")
_NOT_FOUND = re.compile(r"repository '.*' not found$")
_SIZE_SIGNALS = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGXFSZ})
"""How processes end that hit a bound of memory or of the size of a file."""
_NO_ROOM = re.compile(
    rf"out of memory|malloc failed|cannot allocate memory|mmap failed|File too large"
    rf"|died of signal ({'|'.join(str(int(number)) for number in sorted(_SIZE_SIGNALS))})\b",
    re.IGNORECASE,
)
_SERVERS_WORDS = "remote error: "
"""Begins what a server says by git's protocol instead of an answer."""
_NOT_GITS_WORDS = ("remote:", '{"event":')


def problem_of(
    url: str,
    result: GitResult,
    credentials: Credentials | None,
    timeout: float,
    too_large: AdapterError,
) -> AdapterError | None:
    """Return what kept git from doing its work; None if nothing did.

    Args:
        url: The repository.
        result: What git left.
        credentials: Who Kapsa was.
        timeout: Seconds that git had.
        too_large: What to return where a bound of size was hit.
    """
    if result.ending is Ending.TOO_LARGE:
        return too_large
    if result.ending is not Ending.EXITED:
        return unreachable(url, f"it did not answer within {timeout:g} s")
    if result.status == 0:
        return None
    lines = (line for line in _own_lines(result) if _SERVERS_WORDS not in line)
    if -result.status in _SIZE_SIGNALS or any(map(_NO_ROOM.search, lines)):
        return too_large
    return _git_problem(url, words_of(result, credentials), credentials)


def words_of(result: GitResult, credentials: Credentials | None) -> str:
    """Return git's own last words, without secrets."""
    words = " ".join(_own_lines(result)[-3:]).removeprefix("fatal: ")
    secrets = credentials.secrets if credentials else ()
    return sanitise(words, 400, secrets) or f"git ended with status {result.status}"


def unreachable(url: str, what: str) -> Waiting:
    """Return that the repository can't be read now, and why."""
    return Waiting(Reason.REPOSITORY_UNREACHABLE, f"{url} can't be read now: {what.rstrip('.?')}.")


def _own_lines(result: GitResult) -> list[str]:
    lines = result.errors.split("\n")
    return [line for line in lines if line and not line.startswith(_NOT_GITS_WORDS)]


def _git_problem(url: str, words: str, credentials: Credentials | None) -> AdapterError:
    if words.startswith(_SERVERS_WORDS):
        return unreachable(url, words)
    if _UNAUTHORISED.search(words):
        return _unauthorised(url, credentials)
    if _NOT_FOUND.search(words):
        return _not_found(url, credentials)
    status = _HTTP_ERROR.search(words)
    return _http_problem(url, int(status[1]), credentials) if status else unreachable(url, words)


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
    return unreachable(url, f"it answered HTTP {status}")


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
