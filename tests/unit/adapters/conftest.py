"""Servers on loopback for the tests of adapters."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.git_remote import GitRemote
from kapsa.adapters.git_repository import GitRepositories
from tests.unit.adapters.git_origin import Origin
from tests.unit.adapters.git_server import GitServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Serve(Protocol):
    """Starts a fake server; takes a handler for every request, returns `http://127.0.0.1:…`."""

    async def __call__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> str: ...


@asynccontextmanager
async def serving() -> AsyncIterator[Serve]:
    """Start servers that end with the context."""
    servers: list[TestServer] = []

    async def start(handler: Handler, tls: ssl.SSLContext | None = None) -> str:
        app = web.Application(client_max_size=2**26)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await handler(request)

        app.router.add_route("*", "/{path:.*}", handle)
        server = TestServer(app, host="127.0.0.1")
        servers.append(server)
        # A handler whose client was killed need not finish.
        await server.start_server(ssl=tls, shutdown_timeout=0.05)
        return str(server.make_url("/")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with serving() as start:
        yield start


@pytest.fixture
def policy() -> AddressPolicy:
    """Let the fakes on loopback be called."""
    return AddressPolicy(allowed_private_hosts=("127.0.0.1", "localhost"))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """Threads to wait for git."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def server(tmp_path: Path) -> GitServer:
    """A git server; `serve(server.handle)` starts it."""
    (tmp_path / "served").mkdir()
    return GitServer(tmp_path / "served")


@pytest.fixture
def origin(server: GitServer) -> Origin:
    """An empty repository `shop` on that server."""
    return Origin(server)


@pytest.fixture
async def url(server: GitServer, serve: Serve) -> str:
    """The address of that repository."""
    return f"{await serve(server.handle)}/shop.git"


class MakeRepositories(Protocol):
    """Makes readers of commits with a cache of their own; takes what `GitRepositories` takes."""

    def __call__(
        self, *, cache_size: int = 2**30, timeout: float = 20.0, directory: str = ""
    ) -> GitRepositories: ...


@pytest.fixture
def make(
    policy: AddressPolicy, executor: ThreadPoolExecutor, tmp_path: Path
) -> Iterator[MakeRepositories]:
    """Makes readers of commits that are closed at the end."""
    made = []

    def build(
        *, cache_size: int = 2**30, timeout: float = 20.0, directory: str = ""
    ) -> GitRepositories:
        repositories = GitRepositories(
            GitRemote(policy, allow_http=True),
            executor,
            directory=directory or str(tmp_path / "cache"),
            cache_size=cache_size,
            timeout=timeout,
        )
        made.append(repositories)
        return repositories

    yield build
    for repositories in made:
        repositories.close()


@pytest.fixture
def repositories(make: MakeRepositories) -> GitRepositories:
    """A reader of commits."""
    return make()
