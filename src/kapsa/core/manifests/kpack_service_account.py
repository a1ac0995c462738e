"""The ServiceAccount by which kpack finds the Secrets of a build.

Source: https://github.com/buildpacks-community/kpack/blob/v0.10.1/docs/secrets.md#service-account
"""

from typing import Any

from kapsa.core.builds.kpack_terms import git_secret_name
from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder


def kpack_service_account(order: BuildOrder) -> dict[str, Any]:
    """Return the ServiceAccount. It may do nothing, and the build's pod gets no token of it."""
    git = [{"name": git_secret_name(order)}] if order.with_git_credentials else []
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(order),
        "secrets": [{"name": order.name}, *git],
        "imagePullSecrets": [{"name": order.name}],
        "automountServiceAccountToken": False,
    }
