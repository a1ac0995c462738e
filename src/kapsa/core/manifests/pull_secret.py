"""The Secret with which pods pull the images of a Registry, made once for a namespace."""

import base64
from typing import Any

from kapsa.core import labels
from kapsa.core.images.docker_config import docker_config
from kapsa.core.images.pull_secrets import registry_label
from kapsa.models.base import API_VERSION
from kapsa.models.registry import Registry


def pull_secret(
    registry: Registry, *, name: str, namespace: str, username: str, password: str
) -> dict[str, Any]:
    """Return the Secret. It belongs to the Registry, and goes with it, whoever uses it there.

    Args:
        registry: The Registry.
        name: Name of the Secret.
        namespace: Its namespace.
        username: Who pulls.
        password: The password or token.
    """
    meta = registry.metadata
    config = docker_config(registry.spec.endpoint, username, password)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**labels.MANAGED, labels.REGISTRY: registry_label(meta.name)},
            "annotations": {labels.OWNER: f"Registry//{meta.name}"},
            "ownerReferences": [
                labels.owner_reference(API_VERSION, "Registry", meta.name, meta.uid)
            ],
        },
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }
