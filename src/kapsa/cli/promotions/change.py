"""The change of a Project that pins one of its permanent environments, or lets it follow again."""

from dataclasses import dataclass
from typing import Any, Final

from kapsa.adapters.cluster import Manifest
from kapsa.core.projects.promotion import Pin
from kapsa.models.base import API_VERSION

_PINS: Final = ("image", "revision")


@dataclass(frozen=True)
class Change:
    """What becomes of one item of `spec.environments`.

    Attributes:
        live: The Project as it was read.
        name: Name of the environment.
        pin: What it is told to run; None to follow again.
    """

    live: Manifest
    name: str
    pin: Pin | None

    @property
    def is_needed(self) -> bool:
        """Whether anything differs."""
        return self._after != self._before

    def operations(self) -> list[Manifest]:
        """Return it as a JSON patch, which fits only the item that was read.

        Source: https://www.rfc-editor.org/rfc/rfc6902
        """
        path = f"/spec/environments/{self._index}"
        return [
            {"op": "test", "path": "/metadata/uid", "value": self.live["metadata"]["uid"]},
            {"op": "test", "path": path, "value": self._before},
            {"op": "replace", "path": path, "value": self._after},
        ]

    def fits(self, live: Manifest | None) -> bool:
        """Tell whether the item is as it was read."""
        if live is None or live["metadata"]["uid"] != self.live["metadata"]["uid"]:
            return False
        items = _items(live)
        return self._index < len(items) and bool(items[self._index] == self._before)

    def manifest(self) -> Manifest:
        """Return the change as a part of the Project's manifest; null is what is taken out."""
        metadata = self.live["metadata"]
        return {
            "apiVersion": API_VERSION,
            "kind": "Project",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
            "spec": {"environments": [{"name": self.name} | self._pins()]},
        }

    def _pins(self) -> dict[str, str | None]:
        if self.pin is None:
            return dict.fromkeys(_PINS)
        return {"image": self.pin.image, "revision": self.pin.commit or None}

    @property
    def _index(self) -> int:
        return next(i for i, item in enumerate(_items(self.live)) if item["name"] == self.name)

    @property
    def _before(self) -> Manifest:
        return _items(self.live)[self._index]

    @property
    def _after(self) -> Manifest:
        kept = {key: value for key, value in self._before.items() if key not in _PINS}
        return kept | {key: value for key, value in self._pins().items() if value is not None}


def _items(live: Manifest) -> list[dict[str, Any]]:
    return list((live.get("spec") or {}).get("environments") or ())
