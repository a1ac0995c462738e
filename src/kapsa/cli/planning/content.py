"""What of live objects a plan can be compared with: it knows no content of any configuration."""

from collections.abc import Mapping
from typing import Any, Final

from kapsa.cli.planning.values import Manifest
from kapsa.core import labels

_TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where the kinds have the template of their pods."""


def comparable(live: Manifest) -> Manifest:
    """Return a live object without what the operator puts there by the content that it reads."""
    if live["kind"] == "ConfigMap":
        return {key: value for key, value in live.items() if key not in ("data", "binaryData")}
    where = _TEMPLATES.get(live["kind"])
    if where is None:
        return live
    return _without(live, (*where, "metadata", "annotations", labels.CONFIG))


def _without(value: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return a map without what is at `path` below it, and without a map that holds only that."""
    key, *below = path
    rest = {name: item for name, item in value.items() if name != key}
    inner = _without(value.get(key) or {}, tuple(below)) if below else {}
    return rest | ({key: inner} if inner else {})
