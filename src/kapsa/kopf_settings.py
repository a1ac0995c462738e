"""How kopf is set: it watches, and does nothing else.

It stores nothing on objects, posts no Events of its own (`kapsa.controllers.reconciling.events`
posts Kapsa's), knows no peers, and outlives an API server that is away.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import kopf

from kapsa.adapters import resources
from kapsa.controllers.state import CLAIM_SELECTOR, MANAGED_SELECTOR

_UNFILTERED = (resources.INGRESSES, resources.HTTP_ROUTES)
"""Foreign ones matter too: they may route a host that Kapsa would give away."""

_SELECTORS = {
    resource: MANAGED_SELECTOR
    for resource in (
        *resources.CHILDREN,
        *resources.FURNISHINGS,
        *resources.BUILDS,
        resources.PODS,
        resources.NAMESPACES,
    )
    if resource not in _UNFILTERED
} | {resources.LEASES: CLAIM_SELECTOR}


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Change kopf's settings to Kapsa's."""
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.progress_storage = _NoProgress()
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 100
    # Each object that changes has a worker until it rests: fewer are there at a time.
    settings.queueing.idle_timeout = 0.1
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = _Backoffs()
    for resource, selector in _SELECTORS.items():
        where = (resource.group, resource.version, resource.plural)
        settings.watching.label_selectors[where] = selector


class _Backoffs:
    """Seconds between kopf's tries to reach the API server, without end: outages pass."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 1.0, 2.0, 3.0, 5.0, 8.0), itertools.repeat(10.0))


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing on objects: a tenant could forge it, or break it."""

    def fetch(self, **_: Any) -> None:
        """Find nothing."""

    def store(self, **_: Any) -> None:
        """Store nothing."""

    def purge(self, **_: Any) -> None:
        """There is nothing to remove."""

    def touch(self, **_: Any) -> None:
        """Touch nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the object as it is: nothing of ours is on it."""
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps and reads nothing: a poisoned annotation can't switch an object off."""

    def fetch(self, **_: Any) -> None:
        """Find nothing."""

    def store(self, **_: Any) -> None:
        """Store nothing."""
