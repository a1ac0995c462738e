"""The operator as a whole: caches, queues and controllers, and what runs while it is elected."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Cluster
from kapsa.config import Settings
from kapsa.controllers.applier import Applier
from kapsa.controllers.bounded import bounded
from kapsa.controllers.cache import Key
from kapsa.controllers.certificate_secrets import CertificateSecrets
from kapsa.controllers.certificate_triggers import CertificateTriggers
from kapsa.controllers.certificates import Certificates
from kapsa.controllers.claims import Claims
from kapsa.controllers.clearing import Clearing
from kapsa.controllers.domainpool import DomainPoolController
from kapsa.controllers.election import Elector
from kapsa.controllers.environment import EnvironmentController
from kapsa.controllers.events import EventRecorder
from kapsa.controllers.furnishing import Furnisher
from kapsa.controllers.host_tls import HostTls
from kapsa.controllers.hosts import Hosts
from kapsa.controllers.images import Images, Resolver
from kapsa.controllers.jobs import Jobs
from kapsa.controllers.live_routes import LiveRoutes
from kapsa.controllers.offers import Offers
from kapsa.controllers.polling import DetectingForge, Poller, RefSource
from kapsa.controllers.project import ProjectController
from kapsa.controllers.project_inputs import ProjectInputs
from kapsa.controllers.queue import Queue
from kapsa.controllers.registry import Pinger, RegistryController
from kapsa.controllers.report import Reporter
from kapsa.controllers.sources import Sources
from kapsa.controllers.state import State
from kapsa.controllers.subdomains import Subdomains
from kapsa.controllers.sweep import Sweeper, SweepKey
from kapsa.controllers.triggers import Triggers
from kapsa.metrics import (
    ENVIRONMENTS,
    LEADER,
    PROJECTS,
    QUEUE_LENGTH,
)

_STUCK_AFTER = 120.0
_METRICS_EVERY = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outside:
    """The adapters that the operator works with.

    Attributes:
        cluster: The API; its writes are fenced by `elector`.
        elector: Says when this operator is the active one.
        clock: The API server's time.
        refs: Lists refs of git repositories.
        forge: Lists pull requests.
        registry: Resolves images.
        pinger: Tries credentials of registries.
    """

    cluster: Cluster
    elector: Elector
    clock: ServerClock
    refs: RefSource
    forge: DetectingForge
    registry: Resolver
    pinger: Pinger


class Operator:
    """Everything that runs. `state` is to be fed with watch events from outside."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        """Put the parts together; nothing runs yet."""
        self.state = State(settings.namespace)
        self._leads = False
        self.settings = settings
        self._outside = outside
        self._projects: Queue[Key] = Queue("projects")
        self._environments: Queue[Key] = Queue("environments")
        self._domain_pools: Queue[Key] = Queue("domainpools")
        self._registries: Queue[Key] = Queue("registries")
        self._leftovers: Queue[SweepKey] = Queue("leftovers")
        self._recorder = EventRecorder(outside.cluster, outside.clock, outside.elector.identity)
        reporter = Reporter(outside.cluster, self._recorder)
        applier = Applier(outside.cluster, self.state)
        claims = Claims(outside.cluster, self.state, settings.namespace)
        offers = Offers(outside.cluster, self.state)
        routes = LiveRoutes(outside.cluster, self.state)
        certificates = Certificates(
            outside.cluster, self.state, applier, claims, settings.namespace
        )
        self._certificate_secrets = CertificateSecrets(
            outside.cluster,
            self.state,
            applier,
            settings.namespace,
            Queue("certificates"),
            self._environments.add,
        )
        images = Images(
            outside.cluster,
            outside.registry,
            namespace=settings.namespace,
            retry_interval=settings.image_retry_interval,
            longest_retry=settings.registry_retry_interval,
            on_change=self._environments.add,
        )
        self._poller = Poller(
            refs=outside.refs,
            forge=outside.forge,
            now=outside.clock.now,
            on_polled=self._look_at_projects,
            timeout=settings.poll_timeout,
            per_host=settings.poll_concurrency_per_host,
        )
        self._sweeper = Sweeper(
            outside.cluster,
            self.state,
            applier,
            claims,
            routes,
            self._leftovers,
            is_busy=self._environments.works_on,
        )
        self._triggers = Triggers(
            state=self.state,
            projects=self._projects,
            environments=self._environments,
            domain_pools=self._domain_pools,
            registries=self._registries,
            sweeper=self._sweeper,
            images=images,
            is_active=lambda: self._leads,
        )
        self._triggers.subscribe()
        CertificateTriggers(
            state=self.state,
            environments=self._environments,
            domain_pools=self._domain_pools,
            secrets=self._certificate_secrets,
            is_active=lambda: self._leads,
        ).subscribe()
        self._controllers = _Controllers(
            project=ProjectController(
                reporter=reporter,
                state=self.state,
                applier=applier,
                inputs=ProjectInputs(
                    outside.cluster,
                    Furnisher(
                        outside.cluster,
                        self.state,
                        applier,
                        Clearing(outside.cluster, self.state, applier),
                        settings.namespace_rules,
                    ),
                    Subdomains(claims, offers),
                    offers,
                    self._poller,
                    settings,
                ),
                images=images,
                poller=self._poller,
                clock=outside.clock,
                settings=settings,
            ),
            environment=EnvironmentController(
                reporter,
                self.state,
                applier,
                claims,
                Hosts(claims, offers, routes),
                images,
                outside.clock,
                Sources(outside.cluster),
                HostTls(self.state, claims, certificates, self._certificate_secrets),
                Jobs(outside.cluster, self.state),
                settings.pod_security,
            ),
            domain_pool=DomainPoolController(
                reporter, self.state, claims, certificates, outside.clock
            ),
            registry=RegistryController(
                reporter,
                self.state,
                images,
                outside.pinger,
                outside.clock,
                settings.registry_retry_interval,
            ),
        )

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
            for queue in self._queues()
            if queue.last_beat and now - queue.last_beat > _STUCK_AFTER
        ]

    def listed(self, path: str) -> None:
        """Take note that kopf has listed the kind at that path of the API: list it too.

        After a lost watch kopf lists anew, and says nothing of what has vanished.
        """
        for cache in self.state.all:
            if path == cache.resource.path():
                cache.request_list()

    def _look_at_projects(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._projects.add(key)

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
        self._triggers.everything()
        self._certificate_secrets.look_at_all()
        workers = self.settings.workers
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poller.run(), name="poller")
            for queue, kind, reconcile in (
                (self._projects, "Project", self._controllers.project.reconcile),
                (self._environments, "Environment", self._controllers.environment.reconcile),
                (self._domain_pools, "DomainPool", self._controllers.domain_pool.reconcile),
                (self._registries, "Registry", self._controllers.registry.reconcile),
            ):
                measured = bounded(kind, reconcile, self.settings.reconciliation_timeout)
                group.create_task(queue.run(measured, workers), name=queue.name)
            group.create_task(
                self._leftovers.run(self._sweeper.reconcile, workers), name="leftovers"
            )
            group.create_task(
                self._certificate_secrets.queue.run(self._certificate_secrets.reconcile, workers),
                name="certificates",
            )
            group.create_task(self._sweep(), name="sweep")
            group.create_task(self._recorder.run(), name="events")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_interval)
            self._sweeper.look_at_all()
            self._certificate_secrets.look_at_all()

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
            for queue in self._queues():
                QUEUE_LENGTH.labels(queue=queue.name).set(len(queue))
            await asyncio.sleep(_METRICS_EVERY)

    def _queues(self) -> tuple[Queue[Key] | Queue[str] | Queue[SweepKey], ...]:
        return (
            self._projects,
            self._environments,
            self._domain_pools,
            self._registries,
            self._leftovers,
            self._certificate_secrets.queue,
            self._poller.queue,
        )


@dataclass(frozen=True)
class _Controllers:
    project: ProjectController
    environment: EnvironmentController
    domain_pool: DomainPoolController
    registry: RegistryController
