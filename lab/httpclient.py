"""Small HTTP requests to servers on the loopback address; never through a proxy.

Names below `localhost` lead to that address, as in browsers, whatever the system's resolver says.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

from lab.errors import ApiError


@dataclass(frozen=True)
class Response:
    """What a server answered."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The body, parsed; None when it is empty."""
        return json.loads(self.body) if self.body else None


def basic(username: str, password: str) -> str:
    """The Authorization header for a user and password."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def request(
    method: str,
    url: str,
    *,
    authorization: str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    ca_file: Path | None = None,
    timeout: float = 30,
) -> Response:
    """Sends one request; whatever status comes back is an answer, not an error.

    `timeout` is in seconds. Raises OSError when there is no answer.
    """
    sent = dict(headers or {})
    if authorization:
        sent["Authorization"] = authorization
    outgoing = urllib.request.Request(url, data=body, headers=sent, method=method)
    handlers = (urllib.request.ProxyHandler({}), _HTTPHandler(), _HTTPSHandler(ca_file))
    try:
        with urllib.request.build_opener(*handlers).open(outgoing, timeout=timeout) as answer:
            return Response(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.headers, error.read())
    except HTTPException as error:
        raise ConnectionError(f"{method} {url}: {error!r}") from error


class _Connection(HTTPConnection):
    def connect(self) -> None:
        local = f".{self.host}".endswith(".localhost")
        host = "127.0.0.1" if local else self.host
        self.sock = socket.create_connection((host, self.port), self.timeout)


class _SecureConnection(HTTPSConnection, _Connection):
    """Connects as the one, and then speaks TLS, with the name that was asked for, as the other."""


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def __init__(self, ca_file: Path | None) -> None:
        super().__init__()
        self._ca_file = ca_file

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        context = ssl.create_default_context(cafile=self._ca_file)
        return self.do_open(_SecureConnection, req, context=context)


def request_json(
    method: str,
    url: str,
    *,
    authorization: str = "",
    payload: Any = None,
    ca_file: Path | None = None,
) -> Any:
    """Sends `payload` as JSON; the parsed answer. Raises ApiError for a status of 400 or more."""
    answer = request(
        method,
        url,
        authorization=authorization,
        body=None if payload is None else json.dumps(payload).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        ca_file=ca_file,
    )
    if answer.status >= 400:
        text = answer.body.decode("utf-8", "replace")[:500]
        raise ApiError(answer.status, f"{method} {url}: {answer.status} {text}")
    return answer.json()


def answers(url: str, *statuses: int, authorization: str = "", ca_file: Path | None = None) -> bool:
    """Whether a GET of `url` is answered with one of `statuses` (200), within two seconds."""
    try:
        answer = request("GET", url, authorization=authorization, ca_file=ca_file, timeout=2)
    except OSError:
        return False
    return answer.status in (statuses or (200,))
