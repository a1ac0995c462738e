"""The Secret with which kpack pushes an image.

Source: https://github.com/buildpacks-community/kpack/blob/v0.10.1/docs/secrets.md
"""

from base64 import b64encode
from typing import Any

from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder, BuildSecrets


def kpack_registry_secret(order: BuildOrder, secrets: BuildSecrets) -> dict[str, Any]:
    """Return the Secret."""
    config = b64encode((secrets.docker_config or "{}").encode()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": metadata(order),
        "data": {".dockerconfigjson": config},
    }
