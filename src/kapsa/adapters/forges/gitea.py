"""Gitea and Forgejo, whose API is the same as far as Kapsa uses it.

Source: https://docs.gitea.com/api (`repoListPullRequests`, `getVersion`) and
https://forgejo.org/docs/latest/user/api-usage/
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from kapsa.adapters.addresses import AddressPolicy, require_https
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.forges import ForgeRepository, forge_repository
from kapsa.adapters.http_client import (
    guarded_session,
    read_bounded,
    retry_after_seconds,
    waiting_on_failure,
)
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

Provider = Literal["gitea", "forgejo", "git"]

PAGE_SIZE = 50
"""Pull requests asked for at a time; a server may give fewer (`MAX_RESPONSE_ITEMS`)."""
PAGE_LIMIT = 20
"""Most pages that are read."""

_BODY_LIMIT = 16 * 1024 * 1024
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DRAFT_PREFIXES = ("WIP:", "[WIP]")


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    value: Any
    """The JSON body; None if it isn't JSON."""


@dataclass
class _Gathered:
    """What the pages read so far hold."""

    numbers: set[int] = field(default_factory=set)
    items: list[OpenPullRequest] = field(default_factory=list)
    totals: set[str] = field(default_factory=set)
    """How many there are, in the words of each page."""

    def add(self, entries: list[dict[str, Any]]) -> bool:
        """Take in a page; return whether it held anything new."""
        before = len(self.numbers)
        for entry in entries:
            number = entry.get("number")
            if type(number) is not int or number < 1 or number in self.numbers:
                continue
            self.numbers.add(number)
            item = _pull_request(number, entry)
            if item is not None:
                self.items.append(item)
        return len(self.numbers) > before

    def expects_more(self, headers: Mapping[str, str]) -> bool:
        """Whether a further page is to be read."""
        total = self._total()
        return 'rel="next"' in headers.get("Link", "") if total < 0 else len(self.numbers) < total

    def listing(self) -> PullRequestListing:
        items = tuple(sorted(self.items, key=lambda item: item.number))
        complete = len(items) == self._total()
        return PullRequestListing(items, complete, empty_answers=int(complete and not items))

    def _total(self) -> int:
        """Return how many there are; -1 if unknown, or if that changed between two pages.

        If one was closed meanwhile, all that follow moved up, and one slipped by unread.
        """
        total = next(iter(self.totals), "")
        known = len(self.totals) == 1 and total.isascii() and total.isdigit()
        return int(total[:10]) if known else -1


@dataclass(frozen=True)
class GiteaForge:
    """Reads pull requests from Gitea and Forgejo.

    Attributes:
        policy: Which addresses may be dialled.
        timeout: Seconds for one call of a method, all its requests together.
        allow_http: Whether plain http is allowed.
    """

    policy: AddressPolicy
    timeout: float = 30.0
    allow_http: bool = False

    async def open_pull_requests(
        self, repository: ForgeRepository, credentials: Credentials | None = None
    ) -> PullRequestListing:
        """Return the open pull requests of `repository`, by ascending number.

        The listing is complete if as many were read as the server says there are, on at most
        twenty pages. A pull request that can't be read, such as one whose commit the server does
        not find, is left out, and the listing is then incomplete. One made by AGit counts as from
        a fork, since whoever may read the repository may make one.

        Args:
            repository: From `forge_repository`.
            credentials: Sent to the API's host, and nowhere else.

        Raises:
            Stalled: RepositoryRefused, AuthenticationFailed or RepositoryNotFound.
            Waiting: ForgeUnreachable or RateLimited.
        """
        url = f"{repository.api_url}/repos/{repository.owner}/{repository.name}/pulls"
        require_https(url, allow_http=self.allow_http)
        gathered = _Gathered()
        with _failures(url, credentials):
            async with asyncio.timeout(self.timeout), self._session() as session:
                for page in range(1, PAGE_LIMIT + 1):
                    address = f"{url}?state=open&sort=oldest&limit={PAGE_SIZE}&page={page}"
                    answer = await _get(session, address, credentials)
                    entries = _entries(url, answer, credentials)
                    gathered.totals.add(answer.headers.get("X-Total-Count", ""))
                    if not gathered.add(entries) or not gathered.expects_more(answer.headers):
                        break
        return gathered.listing()

    async def detect(
        self, url: str, api_url: str | None = None, credentials: Credentials | None = None
    ) -> Provider:
        """Return which software serves the repository at `url`.

        Only an answer that a Gitea or Forgejo gives makes it one; anything else that a working
        server says means `git`. So a login page does too: whoever asks should not give up a forge
        that was found before.

        Args:
            url: Address of the repository.
            api_url: Address of the API, if a person named one.
            credentials: Sent along, since a private instance tells its version to nobody else.

        Raises:
            Stalled: RepositoryRefused; AuthenticationFailed if a Gitea wants other credentials.
            Waiting: ForgeUnreachable or RateLimited; nothing is known then.
        """
        try:
            repository = forge_repository(url, api_url)
        except Stalled as problem:
            if problem.reason == Reason.FORGE_UNKNOWN:
                return "git"
            raise
        address = f"{repository.api_url}/version"
        require_https(address, allow_http=self.allow_http)
        with _failures(address, credentials):
            async with asyncio.timeout(self.timeout), self._session() as session:
                answer = await _get(session, address, credentials)
        return _provider(address, answer, credentials)

    def _session(self) -> aiohttp.ClientSession:
        return guarded_session(self.policy, self.timeout, unreachable=Reason.FORGE_UNREACHABLE)


def _failures(url: str, credentials: Credentials | None) -> contextlib.AbstractContextManager[None]:
    secrets = credentials.secrets if credentials else ()
    return waiting_on_failure(Reason.FORGE_UNREACHABLE, f"The API at {url}", secrets)


async def _get(
    session: aiohttp.ClientSession, url: str, credentials: Credentials | None
) -> _Answer:
    """Return the server's answer, unless it is that it can't give one now."""
    headers = {"Accept": "application/json"}
    if credentials is not None:
        headers["Authorization"] = f"Basic {credentials.basic}"
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        body = await read_bounded(response, _BODY_LIMIT)
        if response.status == 429:
            pause = retry_after_seconds(response.headers, 60.0)
            raise Waiting(Reason.RATE_LIMITED, f"The server of {url} asks for a pause.", pause)
        if response.status >= 500:
            pause = retry_after_seconds(response.headers, 15.0)
            raise _unreachable(url, f"answers HTTP {response.status}", pause)
        return _Answer(response.status, response.headers.copy(), _json(body))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _entries(url: str, answer: _Answer, credentials: Credentials | None) -> list[dict[str, Any]]:
    """Return the objects of a page of pull requests."""
    if answer.status in {401, 403}:
        raise _unauthorised(url, answer, credentials)
    if answer.status == 404:
        what = "or may not be read with these credentials" if credentials else "or is private"
        raise Stalled(
            Reason.REPOSITORY_NOT_FOUND,
            f"The forge knows no {url}: the address is wrong, or the repository has no pull"
            f" requests, {what}.",
        )
    if 300 <= answer.status < 400:
        raise _unreachable(url, "redirects to another address, which Kapsa does not follow")
    if answer.status != 200:
        raise _unreachable(url, f"answers HTTP {answer.status}")
    page = answer.value
    if not isinstance(page, list) or not all(isinstance(entry, dict) for entry in page):
        raise _unreachable(url, "answers with something that is no list of pull requests")
    return page


def _pull_request(number: int, entry: dict[str, Any]) -> OpenPullRequest | None:
    """Return the pull request that `entry` describes; None if it lacks what is needed."""
    head, base = _object(entry, "head"), _object(entry, "base")
    sha, branch = _text(head, "sha"), _text(head, "label")
    if not _SHA.fullmatch(sha) or entry.get("state", "open") != "open":
        return None
    title = sanitise(_text(entry, "title"))
    labels = entry.get("labels")
    return OpenPullRequest(
        number=number,
        sha=sha,
        head=branch or _text(head, "ref"),
        title=title,
        author=sanitise(_text(_object(entry, "user"), "login"), 255),
        url=_link(_text(entry, "html_url")),
        labels=frozenset(
            _text(label, "name") for label in (labels if isinstance(labels, list) else ())
        )
        - {""},
        draft=entry.get("draft") is True or title.upper().startswith(_DRAFT_PREFIXES),
        fork=not branch or not _same_repository(head, base),
        created=sanitise(_text(entry, "created_at"), 64),
    )


def _same_repository(head: dict[str, Any], base: dict[str, Any]) -> bool:
    identifiers = [_object(side, "repo").get("id") for side in (head, base)]
    return identifiers[0] == identifiers[1] and type(identifiers[0]) is int


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _link(text: str) -> str:
    return sanitise(text, 512) if text.startswith(("https://", "http://")) else ""


def _provider(url: str, answer: _Answer, credentials: Credentials | None) -> Provider:
    value = answer.value if isinstance(answer.value, dict) else {}
    version = _text(value, "version")
    if answer.status == 200 and version:
        return "forgejo" if "+gitea-" in version else "gitea"
    # Gitea's errors point to its own documentation of the API.
    if answer.status in {401, 403} and _text(value, "url").endswith("/api/swagger"):
        raise _unauthorised(url, answer, credentials)
    return "git"


def _unauthorised(url: str, answer: _Answer, credentials: Credentials | None) -> Stalled:
    secrets = credentials.secrets if credentials else ()
    words = sanitise(_text(answer.value, "message"), 200, secrets)
    what = (
        "refuses the credentials: a token needs the scope read:repository"
        if credentials
        else "asks for credentials: name a Secret in spec.repository.credentials"
    )
    said = f" It says: {words}" if words else ""
    return Stalled(Reason.AUTHENTICATION_FAILED, f"The API at {url} {what}.{said}")


def _unreachable(url: str, what: str, retry_after: float = 15.0) -> Waiting:
    return Waiting(Reason.FORGE_UNREACHABLE, f"The API at {url} {what}.", retry_after)
