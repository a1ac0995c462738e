"""Objects as people and programs read them."""

import json
from collections.abc import Iterable
from typing import Any, Final

import yaml

from kapsa.adapters.cluster import Manifest
from kapsa.utils.text import sanitise

_CELL_LIMIT: Final = 200


def encoded(whole: Any, output: str) -> str:
    """Return objects as `yaml` or `json`."""
    if output == "yaml":
        return yaml.safe_dump(whole, sort_keys=False, width=100)
    return json.dumps(whole, indent=2) + "\n"


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows, the headings first, in columns."""
    cells = [[sanitise(cell, _CELL_LIMIT) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "".join(f"{line}\n" for line in lines)


def without_managed_fields(item: Manifest) -> Manifest:
    """Return a live object as kubectl prints it."""
    kept = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    return {**item, "metadata": kept}
