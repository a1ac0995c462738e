"""The Secret of one build: what its containers find as files."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder


def build_secret(order: BuildOrder, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret; `files` are its files by their names. It goes when the build has ended."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": metadata(order),
        "data": {name: b64encode(text.encode()).decode() for name, text in files.items()},
    }
