"""What Kapsa made, field by field as the API server keeps it, and somebody who meddles with it."""

import copy
import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from kapsa.adapters.resources import CHILDREN, FURNISHINGS, ResourceType, resource_of
from lab.platform import ApiServer
from tests.integration.dry_run import Answer

Manifest = dict[str, Any]
Path = tuple[str | int, ...]
Identity = tuple[str, str, str]

KINDS = (*CHILDREN, *FURNISHINGS)
_MANAGER = "kapsa"
_MANAGED = "app.kubernetes.io/managed-by=kapsa"


class Objects:
    """The objects that Kapsa keeps in some namespaces, for somebody who may do anything.

    One connection serves all: what a test asks for is hundreds of small things.
    """

    def __init__(self, server: ApiServer, *namespaces: str) -> None:
        """Take the API server, and where the objects are."""
        self._token = server.admin_token
        self._namespaces = namespaces
        address = urlsplit(server.url)
        self._connection = http.client.HTTPSConnection(
            str(address.hostname),
            address.port,
            context=ssl.create_default_context(cafile=str(server.ca_file)),
            timeout=30,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def found(self, *labels: str) -> dict[Identity, Manifest]:
        """Return all of which Kapsa says anything, but for those that are on their way out.

        With `labels`, such as `kapsa-project.io/environment=web`, only those that have them.
        """
        return {
            identity(item): item
            for resource in KINDS
            for namespace in self._namespaces
            for item in self._list(resource, namespace, ",".join((_MANAGED, *labels)))
            if said(item) and "deletionTimestamp" not in item["metadata"]
        }

    def get(self, item: Manifest) -> Manifest | None:
        """Return an object as it is now; None where there is none."""
        answer = self._send("GET", _path(item))
        return _whole(resource_of(item), answer.body) if answer.status == 200 else None

    def replace(self, item: Manifest) -> Manifest | None:
        """Replace an object; return it as it is then, None where the API server refuses.

        What others have changed of it meanwhile is lost.
        """
        while True:
            version = (self.get(item) or item)["metadata"]["resourceVersion"]
            body = {**item, "metadata": {**item["metadata"], "resourceVersion": version}}
            answer = self._send("PUT", _path(item), body)
            if answer.status != 409:
                return answer.body if answer.status == 200 else None

    def put(self, item: Manifest) -> None:
        """Make an object, or replace what there is of its name."""
        if self.get(item) is not None:
            assert self.replace(item) is not None, item
            return
        metadata = item["metadata"]
        answer = self._send("POST", resource_of(item).path(metadata.get("namespace", "")), item)
        assert answer.status == 201, answer.body

    def patch(self, item: Manifest, patch: Manifest) -> None:
        """Merge a patch into an object."""
        answer = self._send("PATCH", _path(item), patch, "application/merge-patch+json")
        assert answer.status == 200, answer.body

    def delete(self, item: Manifest) -> None:
        """Delete an object."""
        assert self._send("DELETE", _path(item)).status < 300

    def _list(self, resource: ResourceType, namespace: str, labels: str) -> Iterator[Manifest]:
        query = urlencode({"labelSelector": labels})
        answer = self._send("GET", f"{resource.path(namespace)}?{query}")
        assert answer.status == 200, answer.body
        yield from (_whole(resource, item) for item in answer.body["items"])

    def _send(
        self, method: str, path: str, body: Manifest | None = None, type_: str = "application/json"
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": type_}
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, path, sent, headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, json.loads(answer.read()))


def identity(item: Manifest) -> Identity:
    """Return kind, namespace and name."""
    return item["kind"], item["metadata"]["namespace"], item["metadata"]["name"]


def said(live: Manifest) -> dict[Path, Any]:
    """Return the fields that Kapsa owns of a live object, with their values."""
    found: dict[Path, Any] = {}
    for entry in live["metadata"].get("managedFields") or ():
        if (entry["manager"], entry["operation"]) == (_MANAGER, "Apply"):
            found |= _owned(entry["fieldsV1"], live, ())
    return found


def changed(live: Manifest) -> Iterator[Manifest]:
    """Yield the object with one of Kapsa's fields changed, first those that matter most."""
    fields = sorted(said(live), key=lambda path: (path[0] == "metadata", str(path)))
    for path in fields:
        for value in _others(_at(live, path)):
            item = copy.deepcopy(live)
            _at(item, path[:-1])[path[-1]] = value
            yield item


def _others(value: Any) -> Iterator[Any]:
    """Yield values like that one, of which one may be valid too."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield f"{value}x"
        # Valid where text is encoded.
        yield "eA=="
    elif isinstance(value, list) and value and isinstance(value[0], str):
        yield [*value, "x"]


def _owned(fields: Manifest, live: Any, path: Path) -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    below = {name: inner for name, inner in fields.items() if name != "."}
    if not below:
        return {path: live}
    for name, inner in below.items():
        mark, _, rest = name.partition(":")
        if mark == "f" and isinstance(live, dict) and rest in live:
            found |= _owned(inner, live[rest], (*path, rest))
        elif mark == "k":
            key = json.loads(rest)
            for index, item in enumerate(live or ()):
                if key.items() <= item.items():
                    found |= _owned(inner, item, (*path, index))
    return found


def _at(item: Any, path: Path) -> Any:
    for step in path:
        item = item[step]
    return item


def _whole(resource: ResourceType, item: Manifest) -> Manifest:
    return {**item, "apiVersion": resource.api_version, "kind": resource.kind}


def _path(item: Manifest) -> str:
    metadata = item["metadata"]
    return resource_of(item).path(metadata.get("namespace", ""), metadata["name"])
