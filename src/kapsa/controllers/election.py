"""Which operator is active: the holder of one Lease.

The rules are those of Kubernetes' own components
(https://kubernetes.io/docs/concepts/architecture/leases/): another candidate's Lease is believed
for its duration since this process saw it last renewed, by this process's own monotonic clock, so
that clocks need not agree. `fence` forbids writes as soon as the Lease may have been lost, even
while a renewal hangs.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from kapsa.adapters.api_errors import AlreadyExists, Conflict, NotFound
from kapsa.adapters.cluster import Cluster, NotFenced
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import LEASES

LEASE_NAME = "kapsa-operator"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Timing:
    """How the Lease is kept (seconds).

    Attributes:
        duration: How long others believe in it after a renewal.
        deadline: How long this process believes in it after a renewal that was sent; shorter.
        interval: Time from the beginning of one renewal to that of the next.
    """

    duration: float = 15.0
    deadline: float = 10.0
    interval: float = 2.0

    @property
    def patience(self) -> float:
        """Longest duration of a renewal: two that hang, or are slow, fit into the deadline."""
        return (self.deadline - self.interval) / 2


class Elector:
    """Campaigns for the Lease, and says whether this process may write."""

    def __init__(self, cluster: Cluster, namespace: str, identity: str, timing: Timing) -> None:
        """Take the means to reach the Lease in `namespace`, and a name that no other has.

        `cluster` must be one without this elector's fence.
        """
        self._cluster = cluster
        self._namespace = namespace
        self._identity = identity
        self._timing = timing
        self._valid_until = float("-inf")
        self._seen: tuple[str, float] = ("", 0.0)
        self._written: dict[str, Any] | None = None

    @property
    def identity(self) -> str:
        """The name that this process has in the Lease while it holds it."""
        return self._identity

    @property
    def is_leader(self) -> bool:
        """Whether the Lease is certainly held."""
        return asyncio.get_running_loop().time() < self._valid_until

    def fence(self) -> None:
        """Return where a write may begin.

        Raises:
            NotFenced: The Lease isn't held, or may have been lost.
        """
        if not self.is_leader:
            raise NotFenced("this operator does not hold the Lease")

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Run `lead` while the Lease is held, and campaign while it isn't, until cancelled.

        `lead` is cancelled when the Lease is lost; the Lease is given back at the end.
        """
        try:
            while True:
                await self._campaign()
                log.info("elected", identity=self._identity)
                await self._lead(lead)
                log.warning("the Lease was lost", identity=self._identity)
        finally:
            await self._release()

    async def _campaign(self) -> None:
        while True:
            if await self._try_to_hold():
                return
            await asyncio.sleep(self._timing.interval * random.uniform(1.0, 1.2))  # noqa: S311

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> None:
        work = asyncio.ensure_future(lead())
        renewal = asyncio.create_task(self._renew())
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            for task in (work, renewal):
                task.cancel()
            await asyncio.gather(work, renewal, return_exceptions=True)

    async def _renew(self) -> None:
        loop, pause = asyncio.get_running_loop(), self._timing.interval
        while True:
            await asyncio.sleep(pause)
            began = loop.time()
            await self._try_to_hold()
            if not self.is_leader:
                return
            pause = max(began + self._timing.interval - loop.time(), 0.0)

    async def _try_to_hold(self) -> bool:
        """Make, take or renew the Lease; tell whether it is held."""
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._timing.patience):
                held = await self._renewed() or await self._write_lease()
        except (AdapterError, TimeoutError) as error:
            log.warning("the Lease could not be renewed", error=str(error) or "time-out")
            return self.is_leader
        except Exception:
            log.exception("the Lease could not be renewed")
            return self.is_leader
        # From when the renewal was sent: when it arrived isn't known.
        self._valid_until = started + self._timing.deadline if held else float("-inf")
        return held

    async def _renewed(self) -> bool:
        """Write the Lease anew as it was left; tell whether nobody had touched it since.

        That is one request instead of two, which counts where the machine has too much to do.
        """
        written, self._written = self._written, None
        if written is None:
            return False
        try:
            self._written = await self._cluster.replace(self._lease(written))
        except (Conflict, NotFound):
            return False
        return True

    async def _write_lease(self) -> bool:
        live = await self._cluster.get(LEASES, LEASE_NAME, self._namespace)
        if not self._is_free(live):
            return False
        if live is None:
            try:
                self._written = await self._cluster.create(self._lease(None))
            except AlreadyExists:
                return False
            return True
        # The resourceVersion makes sure that nobody else took it since it was read.
        self._written = await self._cluster.replace(self._lease(live))
        return True

    def _is_free(self, live: dict[str, Any] | None) -> bool:
        """Tell whether nobody else can believe that they hold the Lease.

        One that was there and is gone was deleted by somebody: its holder may not know yet. Where
        this process has never seen one, this is taken for the first start of all.
        """
        if live is None and (self.is_leader or not self._seen[0]):
            return True
        spec = (live or {}).get("spec") or {}
        holder = spec.get("holderIdentity")
        now = asyncio.get_running_loop().time()
        version = "gone" if live is None else f"{holder} {spec.get('renewTime')}"
        if version != self._seen[0]:
            self._seen = (version, now)
        if live is not None and (not holder or holder == self._identity):
            return True
        duration = float(spec.get("leaseDurationSeconds") or self._timing.duration)
        return now - self._seen[1] >= duration

    def _lease(self, live: dict[str, Any] | None) -> dict[str, Any]:
        old = (live or {}).get("spec") or {}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = old.get("holderIdentity") == self._identity
        transitions = int(old.get("leaseTransitions") or 0)
        metadata: dict[str, Any] = {"name": LEASE_NAME, "namespace": self._namespace}
        if live is not None:
            metadata = live["metadata"]
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._timing.duration),
                "acquireTime": old.get("acquireTime", now) if mine else now,
                "renewTime": now,
                "leaseTransitions": transitions if mine or live is None else transitions + 1,
            },
        }

    async def _release(self) -> None:
        """Give the Lease back, so that another operator need not wait for its end."""
        if not self.is_leader:
            return
        self._valid_until = float("-inf")
        try:
            async with asyncio.timeout(self._timing.interval):
                live = await self._cluster.get(LEASES, LEASE_NAME, self._namespace)
                if live and (live.get("spec") or {}).get("holderIdentity") == self._identity:
                    live["spec"]["holderIdentity"] = ""
                    live["spec"]["leaseDurationSeconds"] = 1
                    await self._cluster.replace(live)
        except (AdapterError, TimeoutError) as error:
            # It runs out by itself.
            log.warning("the Lease could not be given back", error=str(error) or "time-out")
