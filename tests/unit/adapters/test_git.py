"""Refs are read by a real git from a real server, and a sick server harms nobody."""

import asyncio
import logging
import os
import shutil
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web
from git.cmd import Git

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.adapters.git import GitClient, require_git
from kapsa.adapters.git_process import Ending, GitCommand
from kapsa.core.projects.listings import RefListing
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import Handler, Serve
from tests.unit.adapters.git_server import COMMIT, GitServer
from tests.unit.adapters.processes import processes

CANARY = "canary-t0ken-'$(id)\"é"


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def client(policy: AddressPolicy, executor: ThreadPoolExecutor) -> GitClient:
    return GitClient(policy, executor, allow_http=True)


@pytest.fixture
def hasty(policy: AddressPolicy, executor: ThreadPoolExecutor) -> GitClient:
    return GitClient(policy, executor, timeout=0.7, allow_http=True)


async def idle(executor: ThreadPoolExecutor) -> None:
    """Wait until the only thread is free."""
    await asyncio.wait_for(asyncio.wrap_future(executor.submit(lambda: None)), 1)


def status(code: int, **headers: str) -> Handler:
    """A fake server that answers everything with one status."""

    async def answer(request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers=named)

    return answer


async def test_branches_and_pull_requests_are_listed(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    refs = ("heads/main", "heads/feature/login", "pull/7/head", "pull/x/head", "tags/v1", "notes/n")
    server.repository("shop", {f"refs/{name}": COMMIT for name in refs})

    listing = await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert listing == RefListing(
        {"main": COMMIT, "feature/login": COMMIT}, True, {7: COMMIT}, {"v1": COMMIT}
    )


async def test_an_annotated_tag_has_the_commit_that_it_points_to(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    server.repository("shop", {"refs/tags/v1": COMMIT}, {"refs/tags/release/v2": COMMIT})

    listing = await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert listing == RefListing({}, True, {}, {"v1": COMMIT, "release/v2": COMMIT})


async def test_the_merge_requests_of_gitlab_are_pull_requests(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    server.repository("shop", {"refs/heads/a": COMMIT, "refs/merge-requests/3/head": COMMIT})

    listing = await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert listing == RefListing({"a": COMMIT}, True, {3: COMMIT})


async def test_refs_that_only_end_like_branches_are_no_branches(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    server.repository(
        "shop",
        {
            "refs/x/refs/heads/evil": COMMIT,
            "refs/x/refs/pull/1/head": COMMIT,
            "refs/x/refs/tags/evil": COMMIT,
            "refs/heads/a": COMMIT,
        },
    )

    listing = await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert listing == RefListing({"a": COMMIT}, True, {})


async def test_branches_and_tags_that_no_object_can_name_are_left_out(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    invalid = os.fsdecode(b"caf\xe9")
    server.repository(
        "shop",
        {
            f"refs/{kind}/{name}": COMMIT
            for kind in ("heads", "tags")
            for name in ("é", invalid, "y" * 250, "z" * 200 + "/" + "z" * 50)
        },
    )

    listing = await client.list_refs(f"{await serve(server.handle)}/shop.git")

    named = {"é": COMMIT, "y" * 250: COMMIT}
    assert listing == RefListing(named, True, {}, named)


async def test_an_empty_repository_is_listed_completely(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    server.repository("shop", {})

    listing = await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert listing == RefListing({}, complete=True)


@pytest.mark.parametrize(
    "body", ["", "<html>fatal: Authentication failed for", "<html>\n</html>\n"]
)
@pytest.mark.parametrize("content_type", ["text/html", "text/plain"])
async def test_what_is_no_git_server_is_not_taken_for_an_empty_repository(
    client: GitClient, serve: Serve, body: str, content_type: str
) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text=body, content_type=content_type)

    with pytest.raises(Waiting, match=r"not answer as a git server|is this a git repo") as waiting:
        await client.list_refs(f"{await serve(page)}/shop.git")

    assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE


@pytest.mark.parametrize("cut", [1, 4, 30, 70])
async def test_a_listing_that_breaks_off_is_not_believed(
    client: GitClient, server: GitServer, serve: Serve, cut: int
) -> None:
    server.repository("shop", {f"refs/heads/b{n}": COMMIT for n in range(5)})
    server.cut = cut

    with pytest.raises(Waiting) as waiting:
        await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE


async def test_too_many_refs_are_refused(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    server.repository("shop", {f"refs/heads/{n}": COMMIT for n in range(100_001)})

    with pytest.raises(Stalled, match="at most 100000") as stalled:
        await client.list_refs(f"{await serve(server.handle)}/shop.git")

    assert stalled.value.reason == Reason.REPOSITORY_TOO_LARGE


async def test_an_endless_listing_does_not_fill_the_memory(client: GitClient, serve: Serve) -> None:
    def packet(line: bytes) -> bytes:
        return b"%04x%s" % (len(line) + 4, line)

    page = b"".join(packet(b"%040x refs/tags/%060d\n" % (n, n)) for n in range(5000))

    async def flood(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            greeting = packet(b"version 2\n") + packet(b"ls-refs\n") + b"0000"
            return web.Response(
                body=packet(b"# service=git-upload-pack\n") + b"0000" + greeting,
                content_type="application/x-git-upload-pack-advertisement",
            )
        response = web.StreamResponse()
        response.content_type = "application/x-git-upload-pack-result"
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(page)
        return response

    with pytest.raises(Stalled, match="too many refs"):
        await client.list_refs(f"{await serve(flood)}/shop.git")


async def test_credentials_are_sent_when_the_server_asks(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    server.repository("shop", {"refs/heads/main": COMMIT})
    credentials = Credentials("ada lovelace", CANARY)
    server.login = f"Basic {credentials.basic}"
    url = f"{await serve(server.handle)}/shop.git"

    listing = await client.list_refs(url, credentials)

    assert listing.branches == {"main": COMMIT}
    assert server.seen[0] == ""


@pytest.mark.parametrize(
    ("credentials", "advice"),
    [
        (None, r"spec\.repository\.credentials"),
        (Credentials("ada", CANARY), "refuses the credentials"),
    ],
)
async def test_a_refusal_says_what_to_do_and_no_secret(
    client: GitClient,
    server: GitServer,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    credentials: Credentials | None,
    advice: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.login = "Basic other"
    url = f"{await serve(server.handle)}/shop.git"

    with pytest.raises(Stalled, match=advice) as stalled:
        await client.list_refs(url, credentials)

    assert stalled.value.reason == Reason.AUTHENTICATION_FAILED
    assert url in stalled.value.message
    assert "canary" not in "".join(traceback.format_exception(stalled.value)) + caplog.text


async def test_credentials_show_neither_in_arguments_nor_in_the_environment(
    client: GitClient, executor: ThreadPoolExecutor, serve: Serve
) -> None:
    asked = asyncio.Event()

    async def hang_once_authorised(request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    url = f"{await serve(hang_once_authorised)}/shop.git"
    task = asyncio.create_task(client.list_refs(url, Credentials("ada", CANARY)))
    await asyncio.wait_for(asked.wait(), 5)

    running = processes(url)
    shown = b"".join(
        (Path("/proc") / str(pid) / name).read_bytes()
        for pid in running
        for name in ("cmdline", "environ")
    )
    assert len(running) >= 2
    assert b"canary" not in shown

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await idle(executor)
    assert processes(url) == []


async def test_the_operators_environment_does_not_reach_git(
    client: GitClient, server: GitServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.repository("shop", {"refs/heads/main": COMMIT})
    url = f"{await serve(server.handle)}/shop.git"
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.http://127.0.0.1:9/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", url)

    assert (await client.list_refs(url)).complete


@pytest.mark.parametrize(
    ("handler", "kind", "reason", "word"),
    [
        (status(301, Location="/new.git"), Stalled, Reason.REPOSITORY_NOT_FOUND, "new address"),
        (status(302, Location="/login"), Stalled, Reason.REPOSITORY_NOT_FOUND, "new address"),
        (status(403), Stalled, Reason.AUTHENTICATION_FAILED, "credentials"),
        (status(404), Stalled, Reason.REPOSITORY_NOT_FOUND, "correct the address"),
        (status(429), Waiting, Reason.RATE_LIMITED, "pause"),
        (status(500), Waiting, Reason.REPOSITORY_UNREACHABLE, "HTTP 500"),
        (status(503), Waiting, Reason.REPOSITORY_UNREACHABLE, "HTTP 503"),
    ],
)
async def test_every_status_has_its_reason(
    client: GitClient,
    serve: Serve,
    handler: Handler,
    kind: type[AdapterError],
    reason: Reason,
    word: str,
) -> None:
    url = f"{await serve(handler)}/shop.git"

    with pytest.raises(kind, match=word) as raised:
        await client.list_refs(url)

    assert (raised.value.reason, type(raised.value)) == (reason, kind)
    assert url in raised.value.message


async def test_a_redirect_gets_no_request_and_no_credentials(
    client: GitClient, server: GitServer, serve: Serve
) -> None:
    elsewhere = await serve(server.handle)

    with pytest.raises(Stalled, match="redirects"):
        await client.list_refs(
            f"{await serve(status(307, Location=elsewhere))}/shop.git", Credentials("ada", CANARY)
        )

    assert server.seen == []


async def test_what_a_server_says_decides_nothing(client: GitClient, serve: Serve) -> None:
    async def liar(request: web.Request) -> web.Response:
        return web.Response(status=500, text="fatal: repository 'x' not found\nout of memory")

    with pytest.raises(Waiting, match="HTTP 500"):
        await client.list_refs(f"{await serve(liar)}/shop.git")


async def test_a_connection_that_closes_or_is_refused_is_waited_for(client: GitClient) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(close, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        for scheme in ("http", "https"):
            with pytest.raises(Waiting) as waiting:
                await client.list_refs(f"{scheme}://127.0.0.1:{port}/shop.git")
            assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE
    with pytest.raises(Waiting, match="connect"):
        await client.list_refs(f"http://127.0.0.1:{port}/shop.git")


async def silence(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "application/x-git-upload-pack-advertisement"}
    )
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b"0")
            await asyncio.sleep(0.05)
    return response


@pytest.mark.parametrize("handler", [silence, drip])
async def test_a_server_that_stalls_is_given_up_and_nothing_is_left_behind(
    hasty: GitClient, executor: ThreadPoolExecutor, serve: Serve, handler: Handler
) -> None:
    url = f"{await serve(handler)}/shop.git"
    started = time.monotonic()

    with pytest.raises(Waiting, match=r"within 0\.7 s") as waiting:
        await hasty.list_refs(url)

    assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE
    assert time.monotonic() - started < 2
    await idle(executor)
    assert processes(url) == []


async def test_a_cancelled_listing_frees_its_thread_at_once(
    client: GitClient, executor: ThreadPoolExecutor, serve: Serve
) -> None:
    asked = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        asked.set()
        return await silence(request)

    url = f"{await serve(hang)}/shop.git"
    task = asyncio.create_task(client.list_refs(url))
    await asyncio.wait_for(asked.wait(), 5)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await idle(executor)
    assert processes(url) == []


async def test_a_listing_waits_for_a_thread_no_longer_than_its_time(
    policy: AddressPolicy, executor: ThreadPoolExecutor
) -> None:
    release = threading.Event()
    executor.submit(release.wait)
    client = GitClient(policy, executor, timeout=0.1, allow_http=True)

    try:
        with pytest.raises(Waiting, match="within"):
            await client.list_refs("http://127.0.0.1:9/shop.git")
    finally:
        release.set()


async def test_git_dials_the_address_that_was_checked(
    executor: ThreadPoolExecutor, server: GitServer, serve: Serve
) -> None:
    async def lookup(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    server.repository("shop", {"refs/heads/main": COMMIT})
    port = (await serve(server.handle)).rpartition(":")[2]
    policy = AddressPolicy(("Git.Example.com",), lookup=lookup)
    client = GitClient(policy, executor, allow_http=True)

    assert (await client.list_refs(f"http://git.EXAMPLE.com:{port}/shop.git")).complete


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate")
async def test_a_certificate_must_be_trusted(
    executor: ThreadPoolExecutor, server: GitServer, serve: Serve, tmp_path: Path
) -> None:
    async def lookup(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    certificate = self_signed(tmp_path, "git.example.com")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server.repository("shop", {"refs/heads/main": COMMIT})
    port = (await serve(server.handle, context)).rpartition(":")[2]
    policy = AddressPolicy(("git.example.com", "other.example.com"), lookup=lookup)
    trusting = GitClient(policy, executor, ca_file=str(certificate))

    listing = await trusting.list_refs(f"https://git.example.com:{port}/shop.git")

    assert listing == RefListing({"main": COMMIT}, complete=True)
    for client, host in (
        (trusting, "other.example.com"),
        (GitClient(policy, executor), "git.example.com"),
    ):
        with pytest.raises(Waiting, match="certificate"):
            await client.list_refs(f"https://{host}:{port}/shop.git")


def self_signed(directory: Path, host: str) -> Path:
    """Make a key and a certificate for `host` in one file."""
    path = directory / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *(
                "-nodes",
                "-days",
                "2",
                "-subj",
                f"/CN={host}",
                "-addext",
                f"subjectAltName=DNS:{host}",
            ),
            *("-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(b"".join((directory / name).read_bytes() for name in ("key.pem", "cert.pem")))
    return path


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://127.0.0.1/a", "KAPSA_ALLOW_HTTP_REPOSITORIES"),
        ("https://127.0.0.1/a", "KAPSA_ALLOWED_PRIVATE_HOSTS"),
        ("https://169.254.169.254/a", "KAPSA_ALLOWED_PRIVATE_HOSTS"),
        ("https://localhost/a", "KAPSA_ALLOWED_PRIVATE_HOSTS"),
        ("file:///etc/passwd", "https"),
        ("ext::sh -c id", "https"),
        ("ssh://git@example.com/a", "https"),
        ("--upload-pack=id", "https"),
        ("https://ada:canary@example.com/a", "without a user"),
        ("https://example.com./a", "write https"),
        ("https://example.com/a?x=1", "query"),
        ("https://example.com/a b", "special"),
        ("https://example.com/a\n", "special"),
        ("https://example.com", "write https"),
        ("https://example.com:99999/a", "port"),
        ("https://-x/a", "write https"),
    ],
)
async def test_an_address_that_may_not_be_called_is_refused(
    executor: ThreadPoolExecutor, url: str, word: str
) -> None:
    with pytest.raises(Stalled, match=word) as refused:
        await GitClient(AddressPolicy(), executor).list_refs(url)

    assert refused.value.reason == Reason.REPOSITORY_REFUSED
    assert "canary" not in refused.value.message


async def test_a_name_that_does_not_resolve_is_waited_for(executor: ThreadPoolExecutor) -> None:
    async def nowhere(host: str, port: int) -> tuple[str, ...]:
        return ()

    with pytest.raises(Waiting, match=r"git\.example\.com"):
        await GitClient(AddressPolicy(lookup=nowhere), executor).list_refs(
            "https://git.example.com/a"
        )


def test_more_output_than_its_bound_ends_a_command() -> None:
    environment = {"PATH": os.environ["PATH"]}
    never = threading.Event()

    for limit, ending in ((4, Ending.TOO_LARGE), (4096, Ending.EXITED)):
        command = GitCommand(["version"], environment, None, limit)
        assert command.run(time.monotonic() + 10, never).ending is ending


def test_a_command_that_comes_too_late_is_not_started() -> None:
    command = GitCommand(["version"], {}, None, 4096)
    cancelled = threading.Event()

    assert command.run(time.monotonic() - 1, cancelled).ending is Ending.TIMED_OUT
    cancelled.set()
    assert command.run(time.monotonic() + 10, cancelled).ending is Ending.CANCELLED


def test_an_old_git_is_refused_at_the_start() -> None:
    require_git(Git().version_info)
    with pytest.raises(RuntimeError, match=r"2\.37"):
        require_git((2, 36, 9))
