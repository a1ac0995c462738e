"""The copy of a wildcard certificate's Secret, in a namespace that Kapsa made."""

from collections.abc import Mapping
from typing import Any, Final

from kapsa.core import labels

_KEYS: Final = ("tls.crt", "tls.key", "ca.crt")


def certificate_copy(
    source: Mapping[str, Any], *, namespace: str, namespace_uid: str, owner_uid: str, owner: str
) -> dict[str, Any]:
    """Return the Secret that has what `source` has.

    It belongs to the namespace and goes with it, whoever uses it there.

    Args:
        source: The Secret that cert-manager wrote, with its content.
        namespace: Where the copy goes.
        namespace_uid: UID of the namespace.
        owner_uid: UID of whom the namespace was made for.
        owner: The same in words, as the namespace has it: `Project/<namespace>/<name>`.
    """
    name = source["metadata"]["name"]
    content = source.get("data") or {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                **labels.MANAGED,
                labels.CERTIFICATE: name,
                labels.OWNER_UID: owner_uid,
            },
            "annotations": {labels.OWNER: owner},
            "ownerReferences": [
                labels.owner_reference("v1", "Namespace", namespace, namespace_uid)
            ],
        },
        "type": "kubernetes.io/tls",
        "data": {key: content[key] for key in _KEYS if content.get(key)},
    }
