"""Fetching from sick and hostile servers: it ends, it is bounded, and it harms nobody else."""

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.git_clone import Bounds, Clone
from kapsa.adapters.git_remote import GitRemote
from kapsa.adapters.git_repository import GitRepositories
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import Handler, MakeRepositories, Serve
from tests.unit.adapters.git_origin import Origin
from tests.unit.adapters.git_server import COMMIT, GitServer
from tests.unit.adapters.processes import processes

MIB = 2**20
CANARY = "canary-t0ken"


def after_the_greeting(server: GitServer, then: Handler, skip: int = 0) -> Handler:
    """A server that answers the first `skip` requests with a body, and the rest by `then`."""
    posts = 0

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal posts
        posts += request.method == "POST"
        if request.method == "POST" and posts > skip:
            await request.read()
            return await then(request)
        return await server.handle(request)

    return handle


async def silence(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


def result() -> web.StreamResponse:
    return web.StreamResponse(headers={"Content-Type": "application/x-git-upload-pack-result"})


def packet(line: bytes) -> bytes:
    return b"%04x%s" % (len(line) + 4, line)


async def drip(request: web.Request) -> web.StreamResponse:
    response = result()
    await response.prepare(request)
    with suppress(ConnectionError):
        await response.write(packet(b"packfile\n"))
        while True:
            await response.write(packet(b"\x02."))
            await asyncio.sleep(0.05)
    return response


async def flood(request: web.Request) -> web.StreamResponse:
    """Send the pack of a blob that never ends."""
    response = result()
    await response.prepare(request)
    header = b"PACK\0\0\0\2\0\0\0\1" + b"\xbf\xff\xff\xff\xff\x0f" + b"\x78\x01"
    stored = b"\0\xff\xff\0\0" + b"x" * 65535
    with suppress(ConnectionError):
        await response.write(packet(b"packfile\n") + packet(b"\x01" + header))
        while True:
            for start in range(0, len(stored), 60_000):
                await response.write(packet(b"\x01" + stored[start : start + 60_000]))
    return response


@pytest.mark.parametrize("then", [silence, drip])
async def test_a_server_that_stalls_is_given_up_and_nothing_is_left_behind(
    make: MakeRepositories, server: GitServer, origin: Origin, serve: Serve, then: Handler
) -> None:
    commit = origin.commit(files={"a": ""})
    address = f"{await serve(after_the_greeting(server, then))}/shop.git"
    started = time.monotonic()

    with pytest.raises(Waiting, match=r"within 0\.7 s") as waiting:
        await make(timeout=0.7).read_source(address, commit, with_files=False)

    assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE
    assert time.monotonic() - started < 3
    assert processes(address) == []


async def test_a_pack_without_end_fills_neither_disk_nor_memory(
    make: MakeRepositories, server: GitServer, origin: Origin, serve: Serve, tmp_path: Path
) -> None:
    commit = origin.commit(files={"a": ""})
    address = f"{await serve(after_the_greeting(server, flood))}/shop.git"

    with pytest.raises(Stalled, match="at most 4 MiB") as stalled:
        await make(cache_size=8 * MIB).read_source(address, commit, with_files=False)

    assert stalled.value.reason == Reason.REPOSITORY_TOO_LARGE
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*")) < MIB


async def test_a_fetch_that_was_stopped_half_way_does_not_poison_the_cache(
    make: MakeRepositories, server: GitServer, origin: Origin, serve: Serve
) -> None:
    first, second = origin.commit(files={"a": "1"}), origin.commit(files={"a": "2"})
    hang, asked = False, asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        if hang and request.method == "POST":
            asked.set()
            return await silence(request)
        return await server.handle(request)

    repositories, address = make(), f"{await serve(handle)}/shop.git"
    await repositories.read_source(address, first, with_files=False)
    hang = True
    reading = asyncio.create_task(repositories.read_source(address, second, with_files=False))
    await asyncio.wait_for(asked.wait(), 5)
    assert processes(address)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert processes(address) == []
    hang = False
    for commit in (first, second):
        source = await repositories.read_source(address, commit, with_files=True)
        assert source.tree == origin.tree(commit)


async def test_what_breaks_off_is_read_anew(
    make: MakeRepositories, server: GitServer, origin: Origin, serve: Serve
) -> None:
    commit = origin.commit(files={"a": "1"})
    server.cut = 30
    repositories, address = make(), f"{await serve(server.handle)}/shop.git"

    with pytest.raises(Waiting) as waiting:
        await repositories.read_source(address, commit, with_files=False)
    assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE
    server.cut = 0

    assert (await repositories.read_source(address, commit, with_files=False)).tree


async def test_a_clone_that_was_damaged_is_made_anew(
    repositories: GitRepositories, origin: Origin, url: str, tmp_path: Path
) -> None:
    commit = origin.commit(files={"web/a": "1"})
    first = await repositories.read_source(url, commit, with_files=True)
    for pack in (tmp_path / "cache").rglob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"rubbish")

    assert await repositories.read_source(url, commit, with_files=True) == first

    shutil.rmtree(next((tmp_path / "cache").rglob("objects")))
    assert await repositories.read_source(url, commit, with_files=True) == first


async def test_who_reads_a_clone_does_not_fetch_what_is_missing(
    repositories: GitRepositories, server: GitServer, origin: Origin, url: str, tmp_path: Path
) -> None:
    source = await repositories.read_source(url, origin.commit(files={"a": "1"}), with_files=True)
    blob = source.files[0][1].split()[1]
    clone = Clone(next((tmp_path / "cache").rglob("*.git")))
    server.seen.clear()

    bounds = Bounds(time.monotonic() + 10, threading.Event())
    result = await asyncio.to_thread(clone.read, bounds, "cat-file", "-p", blob)

    assert result.status > 0
    assert server.seen == []


async def test_a_redirect_gets_no_request_and_no_credentials(
    make: MakeRepositories, server: GitServer, origin: Origin, serve: Serve
) -> None:
    commit = origin.commit()
    elsewhere = await serve(server.handle)

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{elsewhere}{request.path_qs}"})

    with pytest.raises(Stalled, match="redirects") as stalled:
        await make().read_source(
            f"{await serve(redirect)}/shop.git",
            commit,
            with_files=False,
            credentials=Credentials("ada", CANARY),
        )

    assert stalled.value.reason == Reason.REPOSITORY_NOT_FOUND
    assert server.seen == []


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (403, Stalled, Reason.AUTHENTICATION_FAILED),
        (404, Stalled, Reason.REPOSITORY_NOT_FOUND),
        (429, Waiting, Reason.RATE_LIMITED),
        (503, Waiting, Reason.REPOSITORY_UNREACHABLE),
    ],
)
async def test_every_status_has_its_reason(
    repositories: GitRepositories,
    serve: Serve,
    status: int,
    kind: type[Stalled | Waiting],
    reason: Reason,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status)

    with pytest.raises(kind) as raised:
        await repositories.read_source(f"{await serve(answer)}/a.git", COMMIT, with_files=False)

    assert raised.value.reason == reason


async def test_words_of_the_server_decide_nothing(
    repositories: GitRepositories, server: GitServer, origin: Origin, serve: Serve
) -> None:
    commit = origin.commit()
    words = "out of memory; Authentication failed for; index-pack died of signal 25"

    async def lie(request: web.Request) -> web.StreamResponse:
        response = result()
        await response.prepare(request)
        await response.write(packet(f"ERR {words}".encode()))
        return response

    with pytest.raises(Waiting, match="can't be read now") as waiting:
        await repositories.read_source(
            f"{await serve(after_the_greeting(server, lie))}/shop.git", commit, with_files=False
        )

    assert waiting.value.reason == Reason.REPOSITORY_UNREACHABLE


async def test_a_tree_that_is_not_well_formed_is_not_taken_in(
    repositories: GitRepositories, origin: Origin, url: str
) -> None:
    blob = origin.git("hash-object", "-w", "--stdin", stdin=b"")
    entry = b"100644 ..\0" + bytes.fromhex(blob)
    tree = origin.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=entry)
    commit = origin.git("commit-tree", tree, "-m", "dots")
    origin.git("update-ref", "refs/heads/main", commit)

    with pytest.raises(Waiting, match="can't be read now"):
        await repositories.read_source(url, commit, with_files=True)


async def test_credentials_are_sent_when_the_server_asks_and_are_nowhere_on_disk(
    repositories: GitRepositories, server: GitServer, origin: Origin, url: str, tmp_path: Path
) -> None:
    credentials = Credentials("ada", CANARY)
    server.login = f"Basic {credentials.basic}"
    commit = origin.commit(files={"a": ""})

    source = await repositories.read_source(url, commit, with_files=False, credentials=credentials)

    assert source.tree == origin.tree(commit)
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        assert CANARY.encode() not in path.read_bytes()
        assert credentials.digest not in str(path)


@pytest.mark.parametrize("stranger", [None, Credentials("eve", "guess")])
async def test_nobody_sees_what_other_credentials_have_opened(
    repositories: GitRepositories,
    server: GitServer,
    origin: Origin,
    url: str,
    stranger: Credentials | None,
) -> None:
    credentials = Credentials("ada", CANARY)
    server.login = f"Basic {credentials.basic}"
    commit = origin.commit(files={"a": ""})
    await repositories.read_source(url, commit, with_files=False, credentials=credentials)

    with pytest.raises(Stalled) as stalled:
        await repositories.read_source(url, commit, with_files=False, credentials=stranger)

    assert stalled.value.reason == Reason.AUTHENTICATION_FAILED
    assert CANARY not in stalled.value.message


async def test_who_reads_one_repository_at_a_time_asks_the_server_once(
    repositories: GitRepositories, server: GitServer, origin: Origin, url: str
) -> None:
    commit = origin.commit(files={"a": ""})
    await repositories.read_source(url, commit, with_files=False)
    once = len(server.seen)
    later = origin.commit(files={"a": "2"})
    server.seen.clear()

    sources = await asyncio.gather(
        *(repositories.read_source(url, later, with_files=True) for _ in range(8))
    )

    assert len(set(sources)) == 1
    assert len(server.seen) == once


async def test_a_server_that_hangs_leaves_threads_for_others(
    make: MakeRepositories, origin: Origin, url: str, serve: Serve
) -> None:
    commit = origin.commit()
    hanging, repositories = await serve(silence), make()
    waiting = [
        asyncio.create_task(
            repositories.read_source(f"{hanging}/{n}.git", COMMIT, with_files=False)
        )
        for n in range(6)
    ]
    await asyncio.sleep(0)

    source = await asyncio.wait_for(repositories.read_source(url, commit, with_files=False), 10)

    assert source.tree == origin.tree(commit)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert processes(hanging) == []


async def test_closing_stops_what_is_under_way_and_removes_the_clones(
    make: MakeRepositories, origin: Origin, url: str, serve: Serve, tmp_path: Path
) -> None:
    repositories, asked = make(), asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        asked.set()
        return await silence(request)

    await repositories.read_source(url, origin.commit(), with_files=False)
    reading = asyncio.create_task(
        repositories.read_source(f"{await serve(hang)}/a.git", COMMIT, with_files=False)
    )
    await asyncio.wait_for(asked.wait(), 5)

    repositories.close()

    with pytest.raises(Waiting):
        await asyncio.wait_for(reading, 5)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


async def test_git_dials_the_address_that_was_checked(
    executor: ThreadPoolExecutor, origin: Origin, url: str, tmp_path: Path
) -> None:
    async def lookup(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    commit = origin.commit()
    remote = GitRemote(AddressPolicy(("git.example.com",), lookup=lookup), allow_http=True)
    repositories = GitRepositories(
        remote, executor, directory=str(tmp_path / "cache"), cache_size=MIB
    )

    source = await repositories.read_source(
        url.replace("127.0.0.1", "git.example.com"), commit, with_files=False
    )

    assert source.tree == origin.tree(commit)
    repositories.close()


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("https://169.254.169.254/a", "KAPSA_ALLOWED_PRIVATE_HOSTS"),
        ("file:///etc/passwd", "https"),
        ("ext::sh -c id", "https"),
        ("--upload-pack=id", "https"),
        ("https://ada:canary@example.com/a", "without a user"),
    ],
)
async def test_an_address_that_may_not_be_called_is_refused(
    repositories: GitRepositories, address: str, word: str
) -> None:
    with pytest.raises(Stalled, match=word) as refused:
        await repositories.read_source(address, COMMIT, with_files=False)

    assert refused.value.reason == Reason.REPOSITORY_REFUSED
    assert "canary" not in refused.value.message


async def test_waiting_for_a_thread_can_be_given_up(
    policy: AddressPolicy, tmp_path: Path, origin: Origin, url: str
) -> None:
    commit, release = origin.commit(), threading.Event()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(release.wait)
        repositories = GitRepositories(
            GitRemote(policy, allow_http=True),
            executor,
            directory=str(tmp_path / "cache"),
            cache_size=MIB,
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await repositories.read_source(url, commit, with_files=False)
        release.set()

        assert (await repositories.read_source(url, commit, with_files=False)).tree
        repositories.close()
