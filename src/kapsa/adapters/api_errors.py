"""What the Kubernetes API server answers when it doesn't do as asked.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ and
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#response-status-kind
"""

from typing import Any

import aiohttp

from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

_RETRY_AFTER = 5.0
_MOST_RETRY_AFTER = 300.0
_FORBIDDEN_RETRY = 60.0
_UNCOUNTED = "status unknown for quota"
"""What the API server says as long as nobody has counted for a new ResourceQuota.

Source: https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go
"""


class Conflict(Waiting):
    """The object is not the one, or not in the state, that was expected: look again."""


class AlreadyExists(Conflict):
    """There is an object of that name already."""


class NotFound(Waiting):
    """The object, or the namespace that it should be in, or the whole kind, isn't there."""


class ObjectNotFound(NotFound):
    """The API server itself says, by its name, that there is no such object."""


def unreachable(error: Exception) -> Waiting:
    """Return what a failed connection to the API server means."""
    return Waiting(
        Reason.API_SERVER_UNAVAILABLE,
        sanitise(f"the API server does not answer: {str(error) or type(error).__name__}"),
        _RETRY_AFTER,
    )


async def error_of(response: aiohttp.ClientResponse, method: str, path: str) -> AdapterError:
    """Return what a status of 300 or more means; the message is the API server's own."""
    status = await _status(response)
    message = sanitise(str(status.get("message") or response.reason or response.status))
    reason = str(status.get("reason") or "")
    where = f"{method} {path}: {message}"
    if response.status == 409:
        kind = AlreadyExists if reason == "AlreadyExists" else Conflict
        return kind(Reason.RECONCILING, where, 1.0)
    if response.status == 404:
        # A path that the API server, or a proxy before it, does not know proves nothing.
        name = path.rpartition("/")[2]
        said = reason == "NotFound" and _details(status).get("name") == name
        return (ObjectNotFound if said else NotFound)(Reason.RECONCILING, where, 2.0)
    if response.status == 429 or response.status >= 500:
        return Waiting(Reason.API_SERVER_UNAVAILABLE, where, _retry_after(response))
    # Credentials that are renewed, a list that took too long, a proxy that shows a login page.
    if response.status in (401, 410) or response.status < 400:
        return Waiting(Reason.API_SERVER_UNAVAILABLE, where, _RETRY_AFTER)
    if response.status == 403:
        return _forbidden(status, message)
    return Stalled(Reason.APPLY_REFUSED, message, None)


def _forbidden(status: dict[str, Any], message: str) -> AdapterError:
    if "NamespaceTerminating" in _causes(status):
        return Waiting(Reason.NAMESPACE_TERMINATING, message, 2.0)
    if _UNCOUNTED in message:
        return Waiting(Reason.APPLY_REFUSED, message, 1.0)
    # Permissions and quotas change without anything that Kapsa watches.
    return Stalled(Reason.APPLY_REFUSED, message, _FORBIDDEN_RETRY)


async def _status(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return the `Status` object that explains the failure; nothing where there is none."""
    try:
        status = await response.json(content_type=None)
    except (ValueError, aiohttp.ClientError):
        return {}
    return status if isinstance(status, dict) else {}


def _details(status: dict[str, Any]) -> dict[str, Any]:
    details = status.get("details")
    return details if isinstance(details, dict) else {}


def _causes(status: dict[str, Any]) -> list[str]:
    causes = _details(status).get("causes") or ()
    return [str(cause.get("reason")) for cause in causes if isinstance(cause, dict)]


def _retry_after(response: aiohttp.ClientResponse) -> float:
    value = response.headers.get("Retry-After", "")
    return min(max(float(value), 1.0), _MOST_RETRY_AFTER) if value.isdecimal() else _RETRY_AFTER
