"""Puts the parts of the operator together; nothing runs yet."""

from collections.abc import Callable, Iterable

from kapsa.config import Settings
from kapsa.controllers.builds.builds import BuildParts, Builds
from kapsa.controllers.builds.namespace import BuildNamespace
from kapsa.controllers.builds.orders import BuildOrders
from kapsa.controllers.builds.pushes import Pushes
from kapsa.controllers.builds.source_reader import SourceReader
from kapsa.controllers.builds.triggers import BuildTriggers
from kapsa.controllers.certificates.certificates import Certificates
from kapsa.controllers.certificates.host_tls import HostTls
from kapsa.controllers.certificates.secrets import CertificateSecrets
from kapsa.controllers.certificates.triggers import CertificateTriggers
from kapsa.controllers.environments.configuration import Sources
from kapsa.controllers.environments.environment import EnvironmentController
from kapsa.controllers.environments.jobs import Jobs
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.hosts.domain_pool import DomainPoolController
from kapsa.controllers.hosts.hosts import Hosts
from kapsa.controllers.hosts.live_routes import LiveRoutes
from kapsa.controllers.hosts.subdomains import Subdomains
from kapsa.controllers.indexes import REFERENCE
from kapsa.controllers.namespaces.clearing import Clearing
from kapsa.controllers.namespaces.furnishing import Furnisher
from kapsa.controllers.namespaces.own_namespaces import OwnNamespaces
from kapsa.controllers.offers import Offers
from kapsa.controllers.outside import Outside
from kapsa.controllers.projects.inputs import ProjectInputs
from kapsa.controllers.projects.polling import Poller
from kapsa.controllers.projects.project import ProjectController
from kapsa.controllers.pulling.credentials import PullCredentials
from kapsa.controllers.pulling.pulling import Pulls
from kapsa.controllers.pulling.secrets import PullSecrets
from kapsa.controllers.pulling.triggers import PullTriggers
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key, key_of
from kapsa.controllers.reconciling.events import EventRecorder
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.reconciling.report import Reporter
from kapsa.controllers.registries.access import RegistryAccess
from kapsa.controllers.registries.images import Images
from kapsa.controllers.registries.registry import RegistryController
from kapsa.controllers.registries.users import RegistryUsers
from kapsa.controllers.registries.verdicts import Verdicts
from kapsa.controllers.state import State
from kapsa.controllers.sweep import Sweeper, SweepKey
from kapsa.controllers.triggers import Triggers

_NEED_DELAY = 2.0
"""Seconds until a registry is asked for what another Project needs: most come in flocks."""


class Assembly:
    """All parts of the operator, each with those that it needs."""

    def __init__(self, settings: Settings, outside: Outside, is_active: Callable[[], bool]) -> None:
        """Make the parts.

        Args:
            settings: The operator's settings.
            outside: The adapters.
            is_active: Tells whether the queues are being worked off.
        """
        self.state = State(settings.namespace)
        self.projects: Queue[Key] = Queue("projects")
        self.environments: Queue[Key] = Queue("environments")
        self.domain_pools: Queue[Key] = Queue("domainpools")
        self.registries: Queue[Key] = Queue("registries")
        self.leftovers: Queue[SweepKey] = Queue("leftovers")
        self.building: Queue[str] = Queue("builds")
        self.recorder = EventRecorder(outside.cluster, outside.clock, outside.elector.identity)
        reporter = Reporter(outside.cluster, self.recorder)
        applier = Applier(outside.cluster, self.state)
        claims = Claims(outside.cluster, self.state, settings.namespace)
        offers = Offers(outside.cluster, self.state)
        routes = LiveRoutes(outside.cluster, self.state)
        certificates = Certificates(
            outside.cluster, self.state, applier, claims, settings.namespace
        )
        self.certificate_secrets = CertificateSecrets(
            outside.cluster,
            self.state,
            applier,
            settings.namespace,
            Queue("certificates"),
            self.environments.add,
        )
        furnisher = Furnisher(
            outside.cluster,
            self.state,
            applier,
            Clearing(outside.cluster, self.state, applier),
            settings.namespace_rules,
        )
        access = RegistryAccess(outside.cluster, settings.namespace, outside.clouds)
        self.pull_secrets = PullSecrets(
            self.state,
            applier,
            RegistryUsers(self.state, offers),
            PullCredentials(access),
            Queue("pullsecrets"),
            self.environments.add,
        )
        verdicts = Verdicts(
            on_need=lambda name: self.registries.add(("", name), _NEED_DELAY),
            on_verdict=self._look_at_users_of,
        )
        images = Images(
            access,
            outside.registry,
            rates=settings.look_rates,
            on_change=self.environments.add,
        )
        self.builds = Builds(
            BuildParts(
                outside.cluster,
                self.state,
                applier,
                BuildNamespace(
                    self.state, applier, settings.build_namespace, settings.build_egress_except
                ),
                BuildOrders(outside.cluster, offers, Pushes(access, outside.tokens), settings),
                outside.clock,
                settings,
            ),
            self.building,
            self.projects.add,
        )
        self.poller = Poller(
            refs=outside.refs,
            forge=outside.forge,
            now=outside.clock.now,
            on_polled=self._look_at_projects,
            timeout=settings.poll_timeout,
            per_host=settings.poll_concurrency_per_host,
        )
        self.sweeper = Sweeper(
            outside.cluster,
            self.state,
            applier,
            claims,
            routes,
            self.leftovers,
            is_busy=self.environments.works_on,
        )
        self.triggers = Triggers(
            state=self.state,
            projects=self.projects,
            environments=self.environments,
            domain_pools=self.domain_pools,
            registries=self.registries,
            sweeper=self.sweeper,
            images=images,
            is_active=is_active,
        )
        self.triggers.subscribe()
        CertificateTriggers(
            state=self.state,
            environments=self.environments,
            domain_pools=self.domain_pools,
            secrets=self.certificate_secrets,
            is_active=is_active,
        ).subscribe()
        BuildTriggers(self.state, self.projects, self.building, is_active=is_active).subscribe()
        PullTriggers(
            state=self.state,
            projects=self.projects,
            environments=self.environments,
            secrets=self.pull_secrets,
            is_active=is_active,
        ).subscribe()
        self.project = ProjectController(
            reporter=reporter,
            state=self.state,
            applier=applier,
            inputs=ProjectInputs(
                outside.cluster,
                furnisher,
                Subdomains(claims, offers),
                offers,
                self.poller,
                settings,
                verdicts,
            ),
            images=images,
            repositories=SourceReader(outside.cluster, outside.repositories),
            builds=self.builds,
            poller=self.poller,
            clock=outside.clock,
            settings=settings,
        )
        self.environment = EnvironmentController(
            reporter,
            self.state,
            applier,
            claims,
            Hosts(claims, offers, routes),
            images,
            outside.clock,
            Sources(outside.cluster),
            HostTls(self.state, claims, certificates, self.certificate_secrets),
            Jobs(outside.cluster, self.state),
            OwnNamespaces(furnisher),
            Pulls(self.pull_secrets),
            settings.pod_security,
        )
        self.domain_pool = DomainPoolController(
            reporter, self.state, claims, certificates, outside.clock
        )
        self.registry = RegistryController(
            reporter,
            self.state,
            access,
            outside.verifier,
            verdicts,
            outside.clock,
            images.look_again,
            settings.registry_retry_interval,
        )

    def _look_at_users_of(self, registry: str) -> None:
        self._look_at_projects(
            key_of(project)
            for project in self.state.projects.find(REFERENCE, f"registry/{registry}")
        )

    def _look_at_projects(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self.projects.add(key)

    @property
    def queues(self) -> tuple[Queue[Key] | Queue[str] | Queue[SweepKey], ...]:
        """All queues."""
        return (
            self.projects,
            self.environments,
            self.domain_pools,
            self.registries,
            self.leftovers,
            self.building,
            self.certificate_secrets.queue,
            self.pull_secrets.queue,
            self.poller.queue,
        )
