"""The Event that tells people of one transition; `kubectl describe` shows it.

Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from typing import Any, Final

from kapsa.core.transitions import Transition
from kapsa.models.base import GROUP
from kapsa.utils.hashing import text_digest
from kapsa.utils.text import MESSAGE_LIMIT, sanitise
from kapsa.utils.times import to_rfc3339_micro

CONTROLLER: Final = f"{GROUP}/operator"

_ACTION: Final = "Reconcile"
_CLUSTER_SCOPED: Final = "default"
"""Namespace of Events about objects that are in none: the API server takes no other."""
_INSTANCE_LIMIT: Final = 128
_LONGEST_NAME: Final = 200
_DIGITS: Final = 16


def event(
    regarding: dict[str, Any], transition: Transition, *, at: float, instance: str
) -> dict[str, Any]:
    """Return the Event.

    Args:
        regarding: The live object that it is about.
        transition: What there is to tell.
        at: Unix time at which it was found.
        instance: Name of this operator among its replicas.
    """
    metadata = regarding["metadata"]
    identity = {name: metadata[name] for name in ("name", "namespace", "uid") if name in metadata}
    time = to_rfc3339_micro(at)
    # The same news at the same moment is the same Event.
    digest = text_digest(
        "\n".join((metadata["uid"], transition.reason, transition.note, time)), _DIGITS
    )
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name'][:_LONGEST_NAME].rstrip('-.')}.{digest}",
            "namespace": metadata.get("namespace") or _CLUSTER_SCOPED,
        },
        "regarding": {
            "apiVersion": regarding["apiVersion"],
            "kind": regarding["kind"],
            **identity,
        },
        "type": transition.type,
        "reason": transition.reason,
        "action": _ACTION,
        "note": _fitting(transition.note),
        "eventTime": time,
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:_INSTANCE_LIMIT],
    }


def _fitting(note: str) -> str:
    """Return the note on one line, in as many bytes as the API server takes."""
    text = sanitise(note)
    encoded = text.encode()
    if len(encoded) <= MESSAGE_LIMIT:
        return text
    return encoded[: MESSAGE_LIMIT - len("…".encode())].decode(errors="ignore") + "…"
