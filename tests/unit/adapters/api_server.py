"""A fake API server for the tests of the cluster adapter: notes requests, says what it is told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.adapters.connection import Connection


@dataclass
class Request:
    method: str
    path: str
    params: dict[str, str]
    content_type: str
    authorization: str
    body: Any
    accept: str = ""


@dataclass
class ApiServer:
    """Attributes: `answers`, given in turn, the last one for ever; `seen`, the requests so far."""

    answers: list[web.Response | Exception] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    pause: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        self.seen.append(
            Request(
                request.method,
                request.path,
                dict(request.query),
                request.headers.get("Content-Type", ""),
                request.headers.get("Authorization", ""),
                await request.json() if text else None,
                request.headers.get("Accept", ""),
            )
        )
        if self.pause is not None:
            await self.pause.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        # One response can be sent only once.
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    @property
    def last(self) -> Request:
        return self.seen[-1]


def stored(name: str = "web", **metadata: Any) -> dict[str, Any]:
    """Return a Service as the API server gives it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", **metadata},
    }


def refusal(status: int, reason: str = "", message: str = "no", **details: Any) -> web.Response:
    """Return what the API server answers when it doesn't do as asked."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": reason,
        "message": message,
        "details": details,
        "code": status,
    }
    return web.json_response(body, status=status)


def connection(server: str, timeout: float = 30.0) -> Connection:
    """Return a session without credentials; to be closed."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
    return Connection(server, session, ServerClock())


class Fence:
    """Counts how often it was asked; closed, it lets nothing through."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


@dataclass
class Rig:
    api: ApiServer
    cluster: Cluster
    fence: Fence
    hasty: Cluster
    """The same API, given up after a twentieth of a second."""
