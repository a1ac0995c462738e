"""The Secret with which kpack reads a repository.

Source: https://github.com/buildpacks-community/kpack/blob/v0.10.1/docs/secrets.md#git-secrets
"""

from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from kapsa.core.builds.kpack_terms import git_secret_name
from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder, BuildSecrets


def kpack_git_secret(order: BuildOrder, secrets: BuildSecrets) -> dict[str, Any]:
    """Return the Secret. kpack sends what is in it to the repository's host and to no other."""
    url = urlsplit(order.repository)
    meta = metadata(order)
    notes = {**meta["annotations"], "kpack.io/git": f"{url.scheme}://{url.netloc}"}
    data = {"username": secrets.git_username, "password": secrets.git_password}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {**meta, "name": git_secret_name(order), "annotations": notes},
        "data": {name: b64encode(value.encode()).decode() for name, value in data.items()},
    }
