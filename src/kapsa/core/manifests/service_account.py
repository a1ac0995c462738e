"""The ServiceAccount that the pods in a namespace run as."""

from typing import Any

from kapsa.core.places import Place


def service_account(place: Place, pull_secret: str = "") -> dict[str, Any]:
    """Return the ServiceAccount. It may do nothing, and no pod gets a token of it.

    Args:
        place: The namespace.
        pull_secret: Name of the Secret with which its pods pull images; nothing for none.
    """
    built: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": place.metadata(place.service_account),
        "automountServiceAccountToken": False,
    }
    if pull_secret:
        built["imagePullSecrets"] = [{"name": pull_secret}]
    return built
