"""Previews as people and programs read them."""

from collections.abc import Sequence
from typing import Any, Final

from kapsa.adapters.cluster import Manifest
from kapsa.cli.remote.output import encoded, table, without_managed_fields
from kapsa.models.base import GROUP
from kapsa.utils.durations import format_duration
from kapsa.utils.times import from_rfc3339

_HEADINGS: Final = ("NAME", "PROJECT", "PR", "BRANCH", "PHASE", "READY", "URL", "EXPIRES", "AGE")
_WIDE: Final = ("COMMIT", "IMAGE", "MESSAGE")
_UNITS: Final = (86_400, 3600, 60, 1)


def rendered(
    items: Sequence[Manifest],
    output: str,
    *,
    now: float,
    single: bool = False,
    namespaces: bool = False,
) -> str:
    """Return Environments as text.

    Args:
        items: The live objects.
        output: `table`, `wide`, `json`, `yaml` or `name`.
        now: Unix time, for ages.
        single: Whether one is meant, and no list.
        namespaces: Whether a table names the namespace of each.
    """
    if output == "name":
        return "".join(f"{named(item)}\n" for item in items)
    if output in ("json", "yaml"):
        plain = [without_managed_fields(item) for item in items]
        whole: Any = plain[0] if single else {"apiVersion": "v1", "kind": "List", "items": plain}
        return encoded(whole, output)
    headings = (("NAMESPACE",) if namespaces else ()) + _HEADINGS
    rows = [_row(item, now, namespaces) for item in items]
    if output == "wide":
        headings += _WIDE
        rows = [row + _more(item) for row, item in zip(rows, items, strict=True)]
    return table([headings, *rows])


def named(item: Manifest) -> str:
    """Return how kubectl calls an Environment."""
    return f"environment.{GROUP}/{item['metadata']['name']}"


def _row(item: Manifest, now: float, namespaces: bool) -> tuple[str, ...]:
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    number = (spec.get("pullRequest") or {}).get("number")
    row = (
        metadata["name"],
        (spec.get("projectRef") or {}).get("name", ""),
        f"#{number}" if number else "",
        spec.get("branch", ""),
        status.get("phase", ""),
        _ready(item).get("status", ""),
        status.get("url", ""),
        status.get("expiresAt", ""),
        _age(metadata.get("creationTimestamp", ""), now),
    )
    return ((metadata["namespace"],) if namespaces else ()) + row


def _more(item: Manifest) -> tuple[str, ...]:
    spec = item.get("spec") or {}
    return (spec.get("commit", "")[:7], spec.get("image", ""), _ready(item).get("message", ""))


def _ready(item: Manifest) -> dict[str, str]:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((found for found in conditions if found.get("type") == "Ready"), {})


def _age(created: str, now: float) -> str:
    """Return how long ago that was, in one unit."""
    since = from_rfc3339(created)
    if since is None:
        return ""
    seconds = max(int(now - since), 0)
    unit = next((unit for unit in _UNITS if seconds >= unit), 1)
    return format_duration(seconds - seconds % unit)
