"""Services in a cache, for its tests."""

import asyncio
import copy
from typing import Any

from kapsa.adapters import resources
from kapsa.adapters.answers import Listing
from kapsa.adapters.cluster import Trim
from kapsa.controllers.reconciling.cache import Cache, Manifest
from tests.fakes import FakeCluster

Change = tuple[str | None, str | None]


def service(name: str, uid: str = "", version: int = 1, **spec: Any) -> Manifest:
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
        },
        "spec": spec,
    }


def cache_of_services() -> Cache:
    return Cache(
        resources.SERVICES, indexes={"colour": lambda manifest: manifest["spec"].get("colours", ())}
    )


def changes_of(cache: Cache) -> list[Change]:
    changes: list[Change] = []

    def note(before: Manifest | None, after: Manifest | None) -> None:
        told = [f"{m['metadata']['uid']}@{m['metadata']['resourceVersion']}" if m else None
                for m in (before, after)]  # fmt: skip
        changes.append((told[0], told[1]))

    cache.subscribe(note)
    return changes


def names(cache: Cache) -> list[str]:
    return sorted(manifest["metadata"]["name"] for manifest in cache)


def listing(*items: Manifest, at: int) -> Listing:
    return Listing(list(items), str(at))


class SlowList(FakeCluster):
    """Lists as of the beginning, and answers a second later."""

    async def list_all(
        self,
        resource: resources.ResourceType,
        label_selector: str = "",
        namespace: str = "",
        trim: Trim = lambda item: item,
    ) -> Listing:
        answer = await super().list_all(resource, label_selector, namespace, trim)
        await asyncio.sleep(1)
        return copy.deepcopy(answer)


def stored(name: str, **spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": "ns"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
