"""What stands for the content of Secrets and ConfigMaps where that itself is not to be kept."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

Manifest = Mapping[str, Any]

_KINDS: Final = frozenset({"Secret", "ConfigMap"})
_FIELDS: Final = ("data", "binaryData", "stringData")
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""Annotation of `kubectl apply`: the whole manifest, content included."""


def without_content(manifest: Manifest) -> dict[str, Any]:
    """Return a Secret or ConfigMap with a digest in place of each value; any other as it is.

    Two of them are equal where the objects are, so that a copy can be compared without being kept.
    They are for memory only: a digest of what is easily guessed betrays it. What has digests
    already stays as it is.
    """
    if manifest.get("kind") not in _KINDS:
        return dict(manifest)
    return _without_last_applied(_mapped(manifest, _digest))


def without_values(manifest: Manifest) -> dict[str, Any]:
    """Return a Secret or ConfigMap with nothing but the keys of its content; others as they are."""
    return _mapped(manifest, lambda _: None) if manifest.get("kind") in _KINDS else dict(manifest)


def _mapped(manifest: Manifest, change: Callable[[Any], Any]) -> dict[str, Any]:
    changed = {
        field: {key: change(value) for key, value in manifest[field].items()}
        for field in _FIELDS
        if manifest.get(field)
    }
    return {**manifest, **changed}


def _digest(value: Any) -> bytes:
    """Return the SHA-256 of a value; bytes, which no value of a manifest is, are one already."""
    if isinstance(value, bytes):
        return value
    return hashlib.sha256(str(value or "").encode("utf-8", "surrogatepass")).digest()


def _without_last_applied(manifest: dict[str, Any]) -> dict[str, Any]:
    annotations = manifest["metadata"].get("annotations") or {}
    if _LAST_APPLIED not in annotations:
        return manifest
    kept = {name: value for name, value in annotations.items() if name != _LAST_APPLIED}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": kept}}
