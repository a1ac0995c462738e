"""A proxy before the API server that does what networks and crashes do: for fault tests only.

It passes everything on, counts the operator's writes, can call back after a write, can keep back
the events of a watch and end it with a 410, and can have the operator elected by another Lease than
the usual one.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

import lab

_HOP_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}
_GONE = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "too old resource version",
        "reason": "Expired",
        "code": 410,
    },
}
_LEASE = "kapsa-operator"
_ELECTION = f"/leases/{_LEASE}"


@dataclass
class ApiProxy:
    """The proxy. Its methods may be called from the test's thread.

    Attributes:
        upstream: Address of the API server.
        ca_file: What to verify it by.
        on_write: Called after each write that the API server has answered, with its number; what
            was answered reaches the operator only afterwards.
        writes: Writes so far, but for those of the election: method and path.
        requests: Requests so far, but for watches and those of the election: method and path.
        election: Name of the Lease by which the operator behind it is elected. With another one
            than the usual, it is active beside the one that has that.
    """

    upstream: str
    ca_file: Path
    on_write: Callable[[int], None] = lambda _: None
    writes: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    election: str = _LEASE
    url: str = ""
    session: aiohttp.ClientSession | None = None
    _withheld: set[str] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    _cut: dict[str, asyncio.Event] = field(default_factory=dict)

    def withhold(self, *plurals: str) -> None:
        """Keep back all events of these kinds' watches; the connections stay."""
        self._withheld.update(plurals)

    def cut(self, *plurals: str) -> None:
        """End the watches of these kinds by a 410, and pass the events of new ones on."""
        self._withheld.difference_update(plurals)
        assert self._loop is not None
        for plural in plurals:
            self._loop.call_soon_threadsafe(self._cut[plural].set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on."""
        path, body = self._renamed(request.path_qs, await request.read())
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_HEADERS}
        if self.session is None:
            raise web.HTTPServiceUnavailable
        async with self.session.request(
            request.method, self.upstream + path, data=body or None, headers=headers
        ) as answer:
            if "watch" in request.query:
                return await self._stream(request, answer)
            content = await answer.read()
            if _ELECTION not in request.path:
                self.requests.append(f"{request.method} {request.path}")
            if request.method != "GET" and _ELECTION not in request.path:
                self.writes.append(f"{request.method} {request.path}")
                self.on_write(len(self.writes))
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_HEADERS}
            return web.Response(body=content, status=answer.status, headers=kept)

    def _renamed(self, path: str, body: bytes) -> tuple[str, bytes]:
        """Return a request for the Lease of the election as one for the Lease called `election`."""
        if path.endswith(_ELECTION):
            return path.removesuffix(_LEASE) + self.election, body
        if path.endswith("/leases") and body:
            lease = json.loads(body)
            if lease["metadata"]["name"] == _LEASE:
                lease["metadata"]["name"] = self.election
                return path, json.dumps(lease).encode()
        return path, body

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        plural = request.path.rsplit("/", 1)[-1]
        response = web.StreamResponse(status=answer.status)
        response.content_type = "application/json"
        await response.prepare(request)
        cut = self._cut[plural] = asyncio.Event()
        gone = asyncio.ensure_future(cut.wait())
        try:
            while not cut.is_set():
                line = asyncio.ensure_future(answer.content.readline())
                await asyncio.wait({line, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                    break
                if not line.result():
                    return response
                if plural not in self._withheld:
                    await response.write(line.result())
            await response.write(json.dumps(_GONE).encode() + b"\n")
        finally:
            gone.cancel()
        return response


@contextmanager
def proxied(platform: lab.Platform) -> Iterator[ApiProxy]:
    """Run a proxy before the laboratory's API server, on a thread of its own."""
    proxy = ApiProxy(platform.api_server.url, platform.api_server.ca_file)
    started, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=_serve, args=(proxy, started, stop), name="api-proxy")
    thread.start()
    try:
        assert started.wait(10), "the proxy did not start"
        yield proxy
    finally:
        stop.set()
        thread.join(10)


def _serve(proxy: ApiProxy, started: threading.Event, stop: threading.Event) -> None:
    async def main() -> None:
        proxy._loop = asyncio.get_running_loop()
        tls = ssl.create_default_context(cafile=str(proxy.ca_file))
        connector = aiohttp.TCPConnector(limit=0, ssl=tls)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=True
        ) as session:
            app = web.Application(client_max_size=16 * 1024 * 1024)
            proxy.session = session
            app.router.add_route("*", "/{path:.*}", proxy.handle)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            proxy.url = f"http://{host}:{port}"
            started.set()
            await asyncio.to_thread(stop.wait)
            await runner.cleanup()

    asyncio.run(main())


def through(proxy: ApiProxy, kubeconfig: Path) -> Path:
    """Return a kubeconfig that leads to the same cluster through the proxy."""
    content: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    for entry in content["clusters"]:
        entry["cluster"] = {"server": proxy.url}
    path = kubeconfig.with_suffix(".proxied")
    path.write_text(yaml.safe_dump(content))
    path.chmod(0o600)
    return path
