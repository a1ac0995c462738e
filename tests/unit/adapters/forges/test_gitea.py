"""Pull requests are read from Gitea and Forgejo; a sick server proves nothing."""

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiohttp import web

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.forges import Forge, ForgeRepository
from kapsa.adapters.forges.gitea import GiteaForge
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import Handler, Serve

CANARY = "canary-t0ken"
SHA = "b45ef6fec89518d314f546fd6c3025367b721684"


@pytest.fixture
def forge(policy: AddressPolicy) -> GiteaForge:
    return GiteaForge(policy, timeout=5, allow_http=True)


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """A pull request as Gitea 1.25 gives it, as far as Kapsa reads it."""
    return {
        "number": number,
        "state": "open",
        "title": f"Change {number}",
        "draft": False,
        "labels": [],
        "user": {"login": "ada"},
        "html_url": f"https://git.example.com/acme/shop/pulls/{number}",
        "created_at": "2026-01-02T03:04:05Z",
        "head": {"label": "login", "ref": "login", "sha": SHA, "repo": {"id": 1}},
        "base": {"label": "main", "ref": "main", "sha": SHA, "repo": {"id": 1}},
        **changes,
    }


def head(**changes: Any) -> dict[str, Any]:
    return {"label": "login", "ref": "login", "sha": SHA, "repo": {"id": 1}, **changes}


class FakeGitea:
    """Answers the list of pull requests by pages, and remembers what it was asked."""

    def __init__(self, *entries: dict[str, Any], page_size: int = 50) -> None:
        self.entries = list(entries)
        self.page_size = page_size
        self.requests: list[web.Request] = []
        self.headers: Callable[[int, int], Mapping[str, str]] = lambda page, pages: {
            "X-Total-Count": str(len(self.entries))
        }

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        page = int(request.query["page"])
        start = (page - 1) * self.page_size
        pages = -(-len(self.entries) // self.page_size)
        return web.json_response(
            self.entries[start : start + self.page_size], headers=self.headers(page, pages)
        )


def saying(status: int, body: Any = None, **headers: str) -> Handler:
    """A fake server that gives every request the same answer."""

    async def answer(request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=named)

    return answer


async def listed(
    forge: Forge, serve: Serve, handler: Handler, credentials: Credentials | None = None
) -> PullRequestListing:
    url = f"{await serve(handler)}/api/v1"
    return await forge.open_pull_requests(ForgeRepository(url, "acme", "shop"), credentials)


async def test_an_open_pull_request_is_read_whole(forge: GiteaForge, serve: Serve) -> None:
    server = FakeGitea(
        entry(7, labels=[{"name": "preview"}, {"name": "ui"}], head=head(label="feature/x"))
    )

    listing = await listed(forge, serve, server)

    assert listing == PullRequestListing(
        (
            OpenPullRequest(
                number=7,
                sha=SHA,
                head="feature/x",
                title="Change 7",
                author="ada",
                url="https://git.example.com/acme/shop/pulls/7",
                labels=frozenset({"preview", "ui"}),
                created="2026-01-02T03:04:05Z",
            ),
        ),
        complete=True,
        empty_answers=0,
    )
    request = server.requests[0]
    assert request.path == "/api/v1/repos/acme/shop/pulls"
    assert dict(request.query) == {"state": "open", "sort": "oldest", "limit": "50", "page": "1"}
    assert "Authorization" not in request.headers


async def test_none_open_is_one_empty_answer(forge: GiteaForge, serve: Serve) -> None:
    assert await listed(forge, serve, FakeGitea()) == PullRequestListing((), True, 1)


@pytest.mark.parametrize(("count", "page_size"), [(50, 50), (51, 50), (130, 50), (23, 10)])
async def test_all_pages_are_read(
    forge: GiteaForge, serve: Serve, count: int, page_size: int
) -> None:
    server = FakeGitea(*(entry(n) for n in range(1, count + 1)), page_size=page_size)

    listing = await listed(forge, serve, server)

    assert listing.complete
    assert [item.number for item in listing.items] == list(range(1, count + 1))
    assert len(server.requests) == -(-count // page_size)


async def test_without_a_total_the_links_lead_on_but_nothing_is_proven(
    forge: GiteaForge, serve: Serve
) -> None:
    server = FakeGitea(*(entry(n) for n in range(1, 8)), page_size=3)
    server.headers = lambda page, pages: (
        {"Link": '<http://x/?page=9>; rel="next"'} if page < pages else {}
    )

    listing = await listed(forge, serve, server)

    assert (len(listing.items), listing.complete) == (7, False)


async def test_a_page_that_comes_again_ends_the_listing(forge: GiteaForge, serve: Serve) -> None:
    server = FakeGitea(entry(1), entry(2))
    server.headers = lambda page, pages: {"X-Total-Count": "9"}

    async def same_page(request: web.Request) -> web.Response:
        return web.json_response(server.entries, headers={"X-Total-Count": "9"})

    listing = await listed(forge, serve, same_page)

    assert (len(listing.items), listing.complete) == (2, False)


async def test_a_listing_that_changes_while_it_is_read_is_not_complete(
    forge: GiteaForge, serve: Serve
) -> None:
    server = FakeGitea(*(entry(n) for n in range(1, 6)), page_size=3)

    async def one_is_closed(request: web.Request) -> web.Response:
        answer = await server(request)
        server.entries = [item for item in server.entries if item["number"] != 1]
        return answer

    listing = await listed(forge, serve, one_is_closed)

    assert [item.number for item in listing.items] == [1, 2, 3, 5]
    assert not listing.complete


async def test_no_more_than_twenty_pages_are_read(forge: GiteaForge, serve: Serve) -> None:
    server = FakeGitea(*(entry(n) for n in range(1, 30)), page_size=1)

    listing = await listed(forge, serve, server)

    assert (len(listing.items), listing.complete, len(server.requests)) == (20, False, 20)


async def test_an_empty_page_where_there_should_be_some_proves_nothing(
    forge: GiteaForge, serve: Serve
) -> None:
    listing = await listed(forge, serve, saying(200, [], X_Total_Count="3"))

    assert listing == PullRequestListing((), complete=False, empty_answers=0)


@pytest.mark.parametrize(
    ("changes", "draft", "fork", "name"),
    [
        pytest.param({}, False, False, "login", id="plain"),
        pytest.param({"draft": True}, True, False, "login", id="draft"),
        pytest.param({"title": "wip: x"}, True, False, "login", id="wip"),
        pytest.param({"title": "[WIP] x"}, True, False, "login", id="wip-in-brackets"),
        pytest.param({"title": "Wiped"}, False, False, "login", id="no-wip"),
        pytest.param({"head": head(repo={"id": 2})}, False, True, "login", id="fork"),
        pytest.param({"head": head(repo=None)}, False, True, "login", id="fork-that-is-gone"),
        pytest.param({"base": {"repo": None}}, False, True, "login", id="unknown-base"),
        pytest.param(
            {"head": head(label="", ref="refs/pull/1/head")},
            False,
            True,
            "refs/pull/1/head",
            id="agit",
        ),
        pytest.param(
            {"head": head(ref="refs/pull/1/head")}, False, False, "login", id="branch-deleted"
        ),
    ],
)
async def test_drafts_and_forks_are_told_apart(
    forge: GiteaForge, serve: Serve, changes: dict[str, Any], draft: bool, fork: bool, name: str
) -> None:
    (item,) = (await listed(forge, serve, FakeGitea(entry(1, **changes)))).items

    assert (item.draft, item.fork, item.head) == (draft, fork, name)


async def test_odd_optional_fields_do_no_harm(forge: GiteaForge, serve: Serve) -> None:
    odd = entry(
        1, title="a\nb\x1b[31m", labels=[None, {"name": 7}], user=None, html_url="javascript:x"
    )

    (item,) = (await listed(forge, serve, FakeGitea(odd))).items

    assert (item.title, item.labels, item.author, item.url) == ("a b [31m", frozenset(), "", "")


@pytest.mark.parametrize(
    "broken",
    [
        entry(2, head=head(sha="")),
        entry(2, head=None),
        entry(2, state="closed"),
        {**entry(2), "number": "2"},
        {**entry(2), "number": True},
        {},
    ],
)
async def test_one_that_cannot_be_read_leaves_the_listing_incomplete(
    forge: GiteaForge, serve: Serve, broken: dict[str, Any]
) -> None:
    listing = await listed(forge, serve, FakeGitea(entry(1), broken))

    assert [item.number for item in listing.items] == [1]
    assert not listing.complete


@pytest.mark.parametrize(
    ("handler", "kind", "reason"),
    [
        pytest.param(saying(200, "<html>"), Waiting, Reason.FORGE_UNREACHABLE, id="html"),
        pytest.param(saying(200, '[{"num'), Waiting, Reason.FORGE_UNREACHABLE, id="truncated"),
        pytest.param(saying(200, ""), Waiting, Reason.FORGE_UNREACHABLE, id="empty"),
        pytest.param(saying(200, {}), Waiting, Reason.FORGE_UNREACHABLE, id="object"),
        pytest.param(saying(200, [1]), Waiting, Reason.FORGE_UNREACHABLE, id="numbers"),
        pytest.param(saying(200, "[" * 10**5), Waiting, Reason.FORGE_UNREACHABLE, id="deep"),
        pytest.param(
            saying(302, Location="/user/login"), Waiting, Reason.FORGE_UNREACHABLE, id="redirect"
        ),
        pytest.param(saying(500), Waiting, Reason.FORGE_UNREACHABLE, id="500"),
        pytest.param(saying(418), Waiting, Reason.FORGE_UNREACHABLE, id="418"),
        pytest.param(saying(429), Waiting, Reason.RATE_LIMITED, id="429"),
        pytest.param(saying(401), Stalled, Reason.AUTHENTICATION_FAILED, id="401"),
        pytest.param(saying(403), Stalled, Reason.AUTHENTICATION_FAILED, id="403"),
        pytest.param(saying(404), Stalled, Reason.REPOSITORY_NOT_FOUND, id="404"),
    ],
)
@pytest.mark.parametrize("credentials", [None, Credentials("ada", CANARY)])
async def test_every_answer_has_its_reason(
    forge: GiteaForge,
    serve: Serve,
    handler: Handler,
    kind: type[AdapterError],
    reason: Reason,
    credentials: Credentials | None,
) -> None:
    with pytest.raises(kind, match="http://127") as raised:
        await listed(forge, serve, handler, credentials)

    assert (raised.value.reason, type(raised.value)) == (reason, kind)


@pytest.mark.parametrize(("status", "asked", "seconds"), [(429, "7", 7), (503, "99999", 3600)])
async def test_retry_after_is_honoured_within_bounds(
    forge: GiteaForge, serve: Serve, status: int, asked: str, seconds: float
) -> None:
    with pytest.raises(Waiting) as waiting:
        await listed(forge, serve, saying(status, Retry_After=asked))

    assert waiting.value.retry_after == seconds


async def test_a_refusal_repeats_the_forges_words_but_no_secret(
    forge: GiteaForge, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = Credentials("ada", CANARY)
    said = {"message": f"token {CANARY} / {credentials.basic} lacks read:repository\n"}

    with pytest.raises(Stalled, match="lacks read:repository") as stalled:
        await listed(forge, serve, saying(403, said), credentials)

    shown = "".join(traceback.format_exception(stalled.value)) + caplog.text
    assert CANARY not in shown
    assert credentials.basic not in shown


async def test_credentials_are_sent_to_the_forge_and_not_along_a_redirect(
    forge: GiteaForge, serve: Serve
) -> None:
    elsewhere = FakeGitea()
    target = await serve(elsewhere)
    server = FakeGitea()
    credentials = Credentials("ada", CANARY)

    await listed(forge, serve, server, credentials)
    with pytest.raises(Waiting, match="redirects"):
        await listed(forge, serve, saying(307, Location=target), credentials)

    assert server.requests[0].headers["Authorization"] == f"Basic {credentials.basic}"
    assert elsewhere.requests == []


async def test_a_forge_that_hangs_or_is_gone_is_waited_for(
    policy: AddressPolicy, serve: Serve
) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    forge = GiteaForge(policy, timeout=0.2, allow_http=True)
    with pytest.raises(Waiting, match="in time"):
        await listed(forge, serve, hang)
    with pytest.raises(Waiting, match="can't be reached"):
        await forge.open_pull_requests(ForgeRepository("http://127.0.0.1:1/api/v1", "a", "b"))


async def test_an_address_that_may_not_be_called_is_refused() -> None:
    repository = ForgeRepository("http://127.0.0.1:1/api/v1", "a", "b")

    with pytest.raises(Stalled, match="KAPSA_ALLOW_HTTP_REPOSITORIES"):
        await GiteaForge(AddressPolicy()).open_pull_requests(repository)
    with pytest.raises(Stalled, match="KAPSA_ALLOWED_PRIVATE_HOSTS") as refused:
        await GiteaForge(AddressPolicy(), allow_http=True).open_pull_requests(repository)
    assert refused.value.reason == Reason.REPOSITORY_REFUSED


@pytest.mark.parametrize(
    ("handler", "provider"),
    [
        pytest.param(saying(200, {"version": "1.25.4"}), "gitea", id="gitea"),
        pytest.param(saying(200, {"version": "14.0.4+gitea-1.22.0"}), "forgejo", id="forgejo"),
        pytest.param(saying(200, {"version": 7}), "git", id="no-version"),
        pytest.param(saying(200, "<html>"), "git", id="page"),
        pytest.param(saying(404), "git", id="404"),
        pytest.param(saying(401, {"message": "x"}), "git", id="401"),
        pytest.param(saying(302, Location="/login"), "git", id="redirect"),
    ],
)
async def test_a_forge_is_told_by_its_version(
    forge: GiteaForge, serve: Serve, handler: Handler, provider: str
) -> None:
    assert await forge.detect(f"{await serve(handler)}/acme/shop.git") == provider


async def test_the_version_is_asked_for_where_the_api_is(forge: GiteaForge, serve: Serve) -> None:
    paths = []

    async def remember(request: web.Request) -> web.Response:
        paths.append((request.path, request.headers.get("Authorization", "")[:5]))
        return web.json_response({"version": "1"})

    url = await serve(remember)

    await forge.detect(f"{url}/acme/shop")
    await forge.detect(f"{url}/acme/shop", f"{url}/x/api/v1", Credentials("ada", CANARY))

    assert paths == [("/api/v1/version", ""), ("/x/api/v1/version", "Basic")]


async def test_an_address_without_owner_is_plain_git(forge: GiteaForge) -> None:
    assert await forge.detect("http://127.0.0.1:1/shop") == "git"


@pytest.mark.parametrize(("status", "reason"), [(503, "ForgeUnreachable"), (429, "RateLimited")])
async def test_a_forge_in_trouble_is_not_taken_for_plain_git(
    forge: GiteaForge, serve: Serve, status: int, reason: str
) -> None:
    with pytest.raises(Waiting) as waiting:
        await forge.detect(f"{await serve(saying(status))}/acme/shop")

    assert waiting.value.reason == reason
    with pytest.raises(Waiting):
        await forge.detect("http://127.0.0.1:1/acme/shop")


async def test_a_private_gitea_asks_for_credentials(forge: GiteaForge, serve: Serve) -> None:
    said = {"message": "Only signed in user is allowed to call APIs.", "url": "x/api/swagger"}

    with pytest.raises(Stalled, match="Only signed in") as stalled:
        await forge.detect(f"{await serve(saying(403, said))}/acme/shop")

    assert stalled.value.reason == Reason.AUTHENTICATION_FAILED
