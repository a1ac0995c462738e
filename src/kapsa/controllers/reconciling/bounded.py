"""Gives a controller's reconcile a time-out, and counts and measures it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from kapsa.controllers.reconciling.cache import Key
from kapsa.metrics import PROJECT_RECONCILE_SECONDS, PROJECT_RECONCILES, RECONCILES


def bounded(
    kind: str, reconcile: Callable[[Key], Awaitable[float | None]], seconds: float
) -> Callable[[Key], Awaitable[float | None]]:
    """Return `reconcile` with a time-out of so many seconds, counted and measured."""

    async def measured(key: Key) -> float | None:
        started, result = perf_counter(), "failed"
        try:
            async with asyncio.timeout(seconds):
                after = await reconcile(key)
            result = "ok"
            return after
        finally:
            RECONCILES.labels(kind=kind, result=result).inc()
            if kind == "Project":
                PROJECT_RECONCILES.labels(result=result).inc()
                PROJECT_RECONCILE_SECONDS.observe(perf_counter() - started)

    return measured
