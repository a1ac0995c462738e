"""Servers on loopback for the tests of adapters."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kapsa.adapters.addresses import AddressPolicy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Serve(Protocol):
    """Starts a fake server; takes a handler for every request, returns `http://127.0.0.1:…`."""

    async def __call__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> str: ...


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
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
def policy() -> AddressPolicy:
    """Let the fakes on loopback be called."""
    return AddressPolicy(allowed_private_hosts=("127.0.0.1", "localhost"))
