"""The ServiceAccount that the pods of a Project run as."""

from typing import Any

from kapsa.core.projects.namespaces import Place, service_account_name


def service_account(place: Place) -> dict[str, Any]:
    """Return the ServiceAccount. It may do nothing, and no pod gets a token of it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": place.metadata(service_account_name(place.project.metadata.name)),
        "automountServiceAccountToken": False,
    }
