"""The namespace in which images are built."""

from typing import Any

from kapsa.core import labels


def build_namespace(name: str) -> dict[str, Any]:
    """Return the namespace. Rootless BuildKit needs what Pod Security `baseline` forbids.

    Source: https://github.com/moby/buildkit/blob/v0.25.1/docs/rootless.md
    """
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                **labels.MANAGED,
                labels.BUILDS: "true",
                "pod-security.kubernetes.io/enforce": "privileged",
            },
        },
    }
