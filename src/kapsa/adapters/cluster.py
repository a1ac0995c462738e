"""The Kubernetes API: dictionaries in and out. Nothing else in Kapsa talks to it.

Every write goes through the fence first, and has a precondition where a lost race would do harm.
"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, Final

import aiohttp

from kapsa.adapters import api_errors
from kapsa.adapters.answers import Deletion, Listing
from kapsa.adapters.connection import Connection
from kapsa.adapters.resources import PODS, ResourceType, resource_of

FIELD_MANAGER: Final = "kapsa"
HANDOVER_MANAGER: Final = "kapsa-handover"
_CHUNK: Final = 100
_MOST_REQUESTS: Final = 16
"""Requests at a time: fewer than the session has connections, so that none waits for one. A write
that waits after it passed the fence might begin when the Lease is long lost, and the renewal of
the Lease, which has a `Cluster` of its own, must not wait behind the others."""
_MOST_LOG: Final = 65_536
"""Bytes of a log that are read."""
_LOG_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
"""It is a node that answers, and it may be gone."""

Manifest = dict[str, Any]
Body = Manifest | list[Manifest]
Trim = Callable[[Manifest], Manifest]


class NotFenced(Exception):  # noqa: N818 - a state
    """This operator may not write now: it is not, or not certainly, the elected one."""


class Cluster:
    """Reads and writes objects.

    All methods raise `Waiting` when the API server can't be reached or asks for patience,
    `Stalled` when it refuses, and `Conflict` when a precondition doesn't hold.
    """

    def __init__(
        self,
        connection: Connection,
        fence: Callable[[], None],
        field_manager: str = FIELD_MANAGER,
    ) -> None:
        """Take the means to write.

        Args:
            connection: A session.
            fence: Raises `NotFenced` while writing is forbidden.
            field_manager: Who the API server notes down as the writer.
        """
        self._connection = connection
        self._fence = fence
        self._writer = {"fieldManager": field_manager}
        self._forced = {**self._writer, "force": "true"}
        self._slots = asyncio.Semaphore(_MOST_REQUESTS)

    async def get(self, resource: ResourceType, name: str, namespace: str = "") -> Manifest | None:
        """Return the live object, or None where there is none."""
        return await self._request("GET", resource.path(namespace, name), missing_ok=True)

    async def serves(self, resource: ResourceType) -> bool:
        """Tell whether the API server knows the kind."""
        try:
            await self._request("GET", resource.path(), params={"limit": "1"})
        except api_errors.NotFound:
            return False
        return True

    async def list_all(
        self,
        resource: ResourceType,
        label_selector: str = "",
        namespace: str = "",
        trim: Trim = lambda item: item,
    ) -> Listing:
        """Return all objects of a kind, at one version of the collection.

        Args:
            resource: The kind.
            label_selector: Which of its objects; nothing for all.
            namespace: Of which namespace; nothing for all.
            trim: Returns what is kept of an object, while the next ones are read.
        """
        items: list[Manifest] = []
        params = {"limit": str(_CHUNK)}
        if label_selector:
            params["labelSelector"] = label_selector
        while True:
            page = await self._request("GET", resource.path(namespace), params=params)
            assert page is not None
            items.extend(
                trim({"apiVersion": resource.api_version, "kind": resource.kind, **item})
                for item in page.get("items") or ()
            )
            metadata = page["metadata"]
            if not metadata.get("continue"):
                return Listing(items, str(metadata.get("resourceVersion", "")))
            params = {**params, "continue": metadata["continue"]}

    async def pod_log(self, name: str, namespace: str, *, container: str, lines: int) -> str:
        """Return the last lines of what a container of a pod has written: whole lines only."""
        path = PODS.path(namespace, name, "log")
        params = {
            "container": container,
            "tailLines": str(lines),
            "limitBytes": str(_MOST_LOG),
        }
        async with self._slots:
            try:
                async with self._connection.session.get(
                    self._connection.server + path,
                    params=params,
                    allow_redirects=False,
                    timeout=_LOG_TIMEOUT,
                ) as response:
                    if response.status >= 300:
                        raise await api_errors.error_of(response, "GET", path)
                    if response.content_type != "text/plain":
                        raise ValueError("the answer is no log")
                    read = await response.read()
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise api_errors.unreachable(error) from error
        # What is cut may be half of something that must not show, and isn't recognised by that.
        whole = read if len(read) < _MOST_LOG else read[: read.rfind(b"\n") + 1]
        return whole.decode(errors="replace")

    async def create(self, manifest: Manifest) -> Manifest:
        """Create an object.

        Raises:
            AlreadyExists: There is one of that name.
        """
        resource = resource_of(manifest)
        namespace = manifest["metadata"].get("namespace", "")
        created = await self._write("POST", resource.path(namespace), manifest, self._writer)
        return created or {}

    async def apply(self, manifest: Manifest, *, uid: str = "") -> Manifest:
        """Apply an object by server-side apply, taking its fields from any other manager.

        Args:
            manifest: The object as it should be.
            uid: UID of the object that is meant; another one of the name is not touched, and one
                that is gone is not made anew.

        Raises:
            Conflict: The object of that UID is gone.
        """
        return await self._apply(manifest, uid, self._forced)

    async def hold(self, manifest: Manifest, *, uid: str) -> Manifest:
        """Have a field manager of its own hold fields of a live object, with the values they have.

        They stay when the next apply leaves them out, until somebody sets them to something else.

        Raises:
            Conflict: Somebody has set one of them meanwhile, or the object of that UID is gone.
        """
        return await self._apply(manifest, uid, {"fieldManager": HANDOVER_MANAGER})

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replace an object that was read before.

        Raises:
            Conflict: It was changed since: its `resourceVersion` is another.
        """
        resource = resource_of(manifest)
        metadata = manifest["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        return await self._write("PUT", path, manifest, self._writer) or {}

    async def patch(
        self, resource: ResourceType, name: str, namespace: str, operations: list[Manifest]
    ) -> Manifest:
        """Change a live object by a JSON patch: by all of its operations, or by none.

        Raises:
            Stalled: An operation doesn't fit, such as a test of what is there.
        """
        path = resource.path(namespace, name)
        return await self._write("PATCH", path, operations, self._writer) or {}

    async def apply_status(
        self, resource: ResourceType, live: Manifest, status: Manifest
    ) -> Manifest:
        """Replace the status of a live object by `status`.

        Raises:
            Conflict: The object is gone.
        """
        metadata = live["metadata"]
        identity = {"name": metadata["name"], "uid": metadata["uid"]}
        if metadata.get("namespace"):
            identity["namespace"] = metadata["namespace"]
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": identity,
            "status": status,
        }
        path = resource.path(metadata.get("namespace", ""), metadata["name"], "status")
        return await self._write("PATCH", path, body, self._forced) or {}

    async def delete(
        self,
        resource: ResourceType,
        name: str,
        namespace: str = "",
        *,
        uid: str,
        resource_version: str = "",
        dependents_first: bool = False,
    ) -> Deletion:
        """Delete the object of that UID; tell what has become of it.

        With `resource_version` only an object that has it still is deleted, or there was none.
        With `dependents_first` it stays until what it owns is gone, such as the pods of a Job.
        """
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid}
            | ({"resourceVersion": resource_version} if resource_version else {}),
            "propagationPolicy": "Foreground" if dependents_first else "Background",
        }
        try:
            answer = await self._write(
                "DELETE", resource.path(namespace, name), body, {}, missing_ok=True
            )
        except api_errors.Conflict:
            return Deletion(was_there=False)
        if answer is None:
            return Deletion(was_there=False)
        # The answer is a Status, or for some kinds the object, though it is gone.
        is_dying = (answer.get("metadata") or {}).get("deletionTimestamp")
        return Deletion(was_there=True, dying=answer if is_dying else None)

    async def _apply(self, manifest: Manifest, uid: str, params: dict[str, str]) -> Manifest:
        resource = resource_of(manifest)
        metadata = manifest["metadata"]
        body = {**manifest, "metadata": {**metadata, "uid": uid}} if uid else manifest
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        return await self._write("PATCH", path, body, params) or {}

    async def _write(
        self,
        method: str,
        path: str,
        body: Body,
        params: dict[str, str],
        *,
        missing_ok: bool = False,
    ) -> Manifest | None:
        self._fence()
        return await self._request(
            method, path, body=body, params=params, missing_ok=missing_ok, fence=self._fence
        )

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Body | None = None,
        missing_ok: bool = False,
        fence: Callable[[], None] = lambda: None,
    ) -> Manifest | None:
        headers = {"Content-Type": _content_type(method, body)}
        async with self._slots:
            # Asked here, since a slot may have been long in coming.
            fence()
            try:
                async with self._connection.session.request(
                    method,
                    self._connection.server + path,
                    params=params,
                    data=_encoded(body) if body is not None else None,
                    headers=headers if body is not None else None,
                    allow_redirects=False,
                ) as response:
                    if response.status >= 300:
                        raise await api_errors.error_of(response, method, path)
                    return _object(await response.json())
            except api_errors.ObjectNotFound:
                if missing_ok:
                    return None
                raise
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise api_errors.unreachable(error) from error


def _object(answer: Any) -> Manifest:
    """Return the answer, which must be an object or a list of objects.

    Raises:
        ValueError: It isn't; something in between answers instead of the API server.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("metadata"), dict):
        raise ValueError("the answer is no Kubernetes object")
    return answer


def _content_type(method: str, body: Body | None) -> str:
    """Return what a body is: PATCH takes objects as server-side apply, and lists as JSON patches.

    Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
    """
    if method != "PATCH":
        return "application/json"
    is_list = isinstance(body, list)
    return "application/json-patch+json" if is_list else "application/apply-patch+yaml"


def _encoded(body: Body) -> bytes:
    """Return a body as JSON that is YAML too: server-side apply reads it as that.

    YAML knows no surrogate pairs, by which JSON can escape what is beyond the basic plane, and lets
    some characters only be escaped (https://yaml.org/spec/1.2.2/#51-character-set).
    """
    text = json.dumps(body, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


_NOT_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
