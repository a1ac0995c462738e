"""The Environments as rows of a table."""

from __future__ import annotations

from typing import NamedTuple

from lab.demo.snapshot import Manifest, Snapshot
from lab.scenario import condition

COLUMNS = ("NAME", "TYPE", "BRANCH", "PHASE", "READY", "URL", "COMMIT")


class Row(NamedTuple):
    """One Environment, as `COLUMNS` has it; a cell is empty where nothing is known yet."""

    name: str
    type: str
    branch: str
    phase: str
    ready: str
    url: str
    commit: str


def rows(snapshot: Snapshot) -> list[Row]:
    """Return a row for each Environment: permanent ones first, then the oldest first."""
    found = sorted(snapshot.of("Environment"), key=_order)
    return [_row(item) for item in found]


def _order(manifest: Manifest) -> tuple[bool, str, str]:
    metadata = manifest["metadata"]
    preview = manifest["spec"].get("type") != "permanent"
    return preview, metadata["creationTimestamp"], metadata["name"]


def _row(manifest: Manifest) -> Row:
    spec, status = manifest["spec"], manifest.get("status") or {}
    return Row(
        name=manifest["metadata"]["name"],
        type=spec.get("type", ""),
        branch=spec.get("branch", ""),
        phase=status.get("phase", ""),
        ready=condition(manifest, "Ready").get("status", ""),
        url=status.get("url", ""),
        commit=status.get("commit", "")[:7],
    )
