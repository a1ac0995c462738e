"""The operator as a whole: caches, queues and controllers, and what runs while it is elected."""

import asyncio

import structlog

from kapsa.config import Settings
from kapsa.controllers.assembly import Assembly
from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.controllers.outside import Outside
from kapsa.controllers.reconciling.bounded import bounded
from kapsa.metrics import (
    ENVIRONMENTS,
    LEADER,
    PROJECTS,
    QUEUE_LENGTH,
)

_STUCK_AFTER = 120.0
_METRICS_EVERY = 5.0

log = structlog.get_logger(__name__)


class Operator:
    """Everything that runs. `state` is to be fed with watch events from outside."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        """Put the parts together; nothing runs yet."""
        self._leads = False
        self.settings = settings
        self._outside = outside
        self._parts = Assembly(settings, outside, lambda: self._leads)
        self.state = self._parts.state

    @property
    def is_ready(self) -> bool:
        """Whether all caches are filled."""
        return all(cache.ready.is_set() for cache in self.state.all)

    def stuck(self) -> list[str]:
        """Return the queues that have shown no life for two minutes though they should."""
        if not self._outside.elector.is_leader:
            return []
        now = asyncio.get_running_loop().time()
        return [
            queue.name
            for queue in self._parts.queues
            if queue.last_beat and now - queue.last_beat > _STUCK_AFTER
        ]

    def listed(self, path: str) -> None:
        """Take note that kopf has listed the kind at that path of the API: list it too.

        After a lost watch kopf lists anew, and says nothing of what has vanished.
        """
        for cache in self.state.all:
            if path == cache.resource.path():
                cache.request_list()

    async def run(self) -> None:
        """Keep the caches, and lead whenever elected, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cache in self.state.all:
                group.create_task(
                    cache.run(self._outside.cluster, self.settings.sweep_interval),
                    name=f"cache {cache.resource.plural}",
                )
            group.create_task(self._measure(), name="metrics")
            group.create_task(self._end_when_served(), name="kinds that came later")
            for cache in self.state.all:
                await cache.ready.wait()
            log.info("caches are filled", objects=sum(len(cache) for cache in self.state.all))
            await self._outside.elector.run(self._lead)

    async def _end_when_served(self) -> None:
        """End where a kind is served that was not at the start: kopf does not watch it.

        Raises:
            RuntimeError: There is one. The operator is started again, and finds it.
        """
        for cache in self.state.all:
            await cache.ready.wait()
        absent = [cache for cache in self.state.all if not cache.is_served]
        for cache in absent:
            log.warning("the API server does not serve it", kind=cache.resource.kind)
        while absent:
            for cache in absent:
                if cache.is_served:
                    raise RuntimeError(f"{cache.resource.kind} is served now: start again")
            await asyncio.sleep(_METRICS_EVERY)

    async def _lead(self) -> None:
        """Do all work, until cancelled: this operator is the active one."""
        self._leads = True
        try:
            await self._work()
        finally:
            self._leads = False

    async def _work(self) -> None:
        parts = self._parts
        parts.triggers.everything()
        parts.building.add(THE_QUEUE)
        parts.certificate_secrets.look_at_all()
        parts.pull_secrets.look_at_all()
        workers = self.settings.workers
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.poller.run(), name="poller")
            for queue, kind, reconcile in (
                (parts.projects, "Project", parts.project.reconcile),
                (parts.environments, "Environment", parts.environment.reconcile),
                (parts.domain_pools, "DomainPool", parts.domain_pool.reconcile),
                (parts.registries, "Registry", parts.registry.reconcile),
            ):
                measured = bounded(kind, reconcile, self.settings.reconciliation_timeout)
                group.create_task(queue.run(measured, workers), name=queue.name)
            group.create_task(
                parts.leftovers.run(parts.sweeper.reconcile, workers), name="leftovers"
            )
            group.create_task(
                parts.certificate_secrets.queue.run(parts.certificate_secrets.reconcile, workers),
                name="certificates",
            )
            group.create_task(parts.building.run(parts.builds.reconcile, 1), name="builds")
            group.create_task(
                parts.pull_secrets.queue.run(parts.pull_secrets.reconcile, workers),
                name="pull secrets",
            )
            group.create_task(self._sweep(), name="sweep")
            group.create_task(parts.recorder.run(), name="events")

    async def _sweep(self) -> None:
        parts = self._parts
        while True:
            await asyncio.sleep(self.settings.sweep_interval)
            parts.sweeper.look_at_all()
            parts.certificate_secrets.look_at_all()
            parts.pull_secrets.look_at_all()

    async def _measure(self) -> None:
        while True:
            LEADER.set(self._outside.elector.is_leader)
            PROJECTS.set(len(self.state.projects))
            types = [
                (manifest.get("spec") or {}).get("type", "preview")
                for manifest in self.state.environments
            ]
            for type_ in ("permanent", "preview"):
                ENVIRONMENTS.labels(type=type_).set(types.count(type_))
            for queue in self._parts.queues:
                QUEUE_LENGTH.labels(queue=queue.name).set(len(queue))
            await asyncio.sleep(_METRICS_EVERY)
