"""Asks the API server what it would make of an object, over one connection, many times a second."""

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kapsa.models import API_VERSION, KINDS
from lab.platform import ApiServer

Manifest = dict[str, Any]
Refusal = tuple[tuple[str, str], ...]

NAMESPACE = "default"
_DEFINITIONS: dict[str, Any] = {kind.__name__: kind for kind in KINDS}


@dataclass(frozen=True)
class Answer:
    """What the API server said: the object as it would be stored, or why it refuses."""

    status: int
    body: Manifest

    @property
    def accepted(self) -> bool:
        """Whether the object would be stored."""
        return self.status < 300

    @property
    def causes(self) -> Refusal:
        """Each field that is refused, with what is said of it."""
        causes = (self.body.get("details") or {}).get("causes") or ()
        return tuple((cause["field"], cause["message"]) for cause in causes)


@dataclass(frozen=True)
class DryRun:
    """Creates and updates objects, checked strictly; nothing is stored unless it is asked for."""

    connection: http.client.HTTPSConnection
    token: str

    def create(self, manifest: Manifest, *, store: bool = False) -> Answer:
        """Create an object, in the namespace `default` where its kind has namespaces."""
        return self._send("POST", _collection(manifest["kind"]), manifest, store)

    def update(self, manifest: Manifest, *, store: bool = False, part: str = "") -> Answer:
        """Replace an object of that name; with `part` a subresource, such as `status`."""
        name = manifest["metadata"]["name"]
        suffix = f"/{part}" if part else ""
        return self._send("PUT", f"{_collection(manifest['kind'])}/{name}{suffix}", manifest, store)

    def delete(self, manifest: Manifest) -> Answer:
        """Delete an object of that name."""
        path = f"{_collection(manifest['kind'])}/{manifest['metadata']['name']}"
        return self._send("DELETE", path, None, True)

    def _send(self, method: str, path: str, body: Manifest | None, store: bool) -> Answer:
        query = "fieldValidation=Strict" + ("" if store else "&dryRun=All")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        self.connection.request(
            method, f"{path}?{query}" if body is not None else path, sent, headers
        )
        answer = self.connection.getresponse()
        return Answer(answer.status, json.loads(answer.read()))


@contextmanager
def dry_runs(server: ApiServer) -> Iterator[DryRun]:
    """Open a connection for the length of a `with` block."""
    address = urlsplit(server.url)
    context = ssl.create_default_context(cafile=str(server.ca_file))
    connection = http.client.HTTPSConnection(
        str(address.hostname), address.port, context=context, timeout=30
    )
    try:
        yield DryRun(connection, server.admin_token)
    finally:
        connection.close()


def _collection(kind: str) -> str:
    definition = _DEFINITIONS[kind].definition
    scope = f"/namespaces/{NAMESPACE}" if definition.scope == "Namespaced" else ""
    return f"/apis/{API_VERSION}{scope}/{definition.plural}"
