"""All controllers on one fake cluster; tests call their `reconcile` themselves."""

from typing import Any

from kapsa.adapters.clock import ServerClock
from kapsa.adapters.cluster import Manifest
from kapsa.config import Settings
from kapsa.controllers.builds.builds import BuildParts, Builds
from kapsa.controllers.builds.namespace import BuildNamespace
from kapsa.controllers.builds.orders import BuildOrders
from kapsa.controllers.builds.pushes import Pushes
from kapsa.controllers.builds.source_reader import SourceReader
from kapsa.controllers.certificates.certificates import Certificates
from kapsa.controllers.certificates.host_tls import HostTls
from kapsa.controllers.certificates.secrets import CertificateSecrets
from kapsa.controllers.environments.configuration import Sources
from kapsa.controllers.environments.environment import EnvironmentController
from kapsa.controllers.environments.jobs import Jobs
from kapsa.controllers.hosts.claims import Claims
from kapsa.controllers.hosts.domain_pool import DomainPoolController
from kapsa.controllers.hosts.hosts import Hosts
from kapsa.controllers.hosts.live_routes import LiveRoutes
from kapsa.controllers.hosts.subdomains import Subdomains
from kapsa.controllers.namespaces.clearing import Clearing
from kapsa.controllers.namespaces.furnishing import Furnisher
from kapsa.controllers.namespaces.own_namespaces import OwnNamespaces
from kapsa.controllers.offers import Offers
from kapsa.controllers.projects.inputs import ProjectInputs
from kapsa.controllers.projects.polling import Poller
from kapsa.controllers.projects.project import ProjectController
from kapsa.controllers.pulling.credentials import PullCredentials
from kapsa.controllers.pulling.pulling import Pulls
from kapsa.controllers.pulling.secrets import PullSecrets
from kapsa.controllers.reconciling.applier import Applier
from kapsa.controllers.reconciling.cache import Key
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.reconciling.report import Reporter
from kapsa.controllers.registries.access import RegistryAccess
from kapsa.controllers.registries.images import Images
from kapsa.controllers.registries.registry import RegistryController
from kapsa.controllers.registries.users import RegistryUsers
from kapsa.controllers.registries.verdicts import Verdicts
from kapsa.controllers.state import State
from kapsa.controllers.sweep import Sweeper, SweepKey
from kapsa.core.manifests.claim import Holder, claim
from tests.builders import DIGEST
from tests.fakes import FakeCluster, FakeOutside, FakeRecorder
from tests.unit.controllers.virtual_time import loop

NAMESPACE = "kapsa-system"
IMAGE = f"registry.example.com/acme/shop@{DIGEST}"
EPOCH = 1_767_225_600.0


class VirtualClock(ServerClock):
    """The API server's time, which is the event loop's."""

    def now(self) -> float:
        return EPOCH + loop().time()


class World:
    """A cluster, what is outside, and every controller."""

    def __init__(self, **settings: Any) -> None:
        self.cluster, self.outside = FakeCluster(), FakeOutside()
        self.settings = Settings(namespace=NAMESPACE, **settings)
        self.clock = VirtualClock()
        self.chance = 0.0
        self.changed: list[Key] = []
        self.polled: list[Key] = []
        self.needed: list[str] = []
        self.judged: list[str] = []
        self.state = State(NAMESPACE)
        self.cluster.feed(*self.state.all)
        self.recorder = FakeRecorder()
        self.reporter = Reporter(self.cluster, self.recorder)
        self.applier = Applier(self.cluster, self.state)
        self.claims = Claims(self.cluster, self.state, NAMESPACE)
        self.access = RegistryAccess(self.cluster, NAMESPACE, {})
        self.verdicts = Verdicts(self.needed.append, self.judged.append)
        self.images = Images(
            self.access,
            self.outside,
            rates=self.settings.look_rates,
            on_change=self.changed.append,
        )
        self.poller = Poller(
            refs=self.outside,
            forge=self.outside,
            now=self.clock.now,
            on_polled=self.polled.extend,
            timeout=30.0,
            per_host=4,
        )
        self.leftovers: Queue[SweepKey] = Queue("leftovers")
        routes = LiveRoutes(self.cluster, self.state)
        self.sweeper = Sweeper(
            self.cluster, self.state, self.applier, self.claims, routes, self.leftovers
        )
        offers = Offers(self.cluster, self.state)
        self.hosts = Hosts(self.claims, offers, routes, chance=lambda: self.chance)
        self.certificates = Certificates(
            self.cluster, self.state, self.applier, self.claims, NAMESPACE
        )
        self.certificate_secrets = CertificateSecrets(
            self.cluster,
            self.state,
            self.applier,
            NAMESPACE,
            Queue("certificates"),
            self.changed.append,
        )
        self.pull_secrets = PullSecrets(
            self.state,
            self.applier,
            RegistryUsers(self.state, offers),
            PullCredentials(self.access),
            Queue("pullsecrets"),
            self.changed.append,
        )
        furnisher = Furnisher(
            self.cluster,
            self.state,
            self.applier,
            Clearing(self.cluster, self.state, self.applier),
            self.settings.namespace_rules,
        )
        self.environments = EnvironmentController(
            self.reporter,
            self.state,
            self.applier,
            self.claims,
            self.hosts,
            self.images,
            self.clock,
            Sources(self.cluster),
            HostTls(self.state, self.claims, self.certificates, self.certificate_secrets),
            Jobs(self.cluster, self.state),
            OwnNamespaces(furnisher),
            Pulls(self.pull_secrets),
            self.settings.pod_security,
        )
        self.building: Queue[str] = Queue("builds")
        self.builds = Builds(
            BuildParts(
                self.cluster,
                self.state,
                self.applier,
                BuildNamespace(
                    self.state,
                    self.applier,
                    self.settings.build_namespace,
                    self.settings.build_egress_except,
                ),
                BuildOrders(self.cluster, offers, Pushes(self.access, self.outside), self.settings),
                self.clock,
                self.settings,
            ),
            self.building,
            self.changed.append,
        )
        self.projects = ProjectController(
            reporter=self.reporter,
            state=self.state,
            applier=self.applier,
            inputs=ProjectInputs(
                self.cluster,
                furnisher,
                Subdomains(self.claims, offers),
                offers,
                self.poller,
                self.settings,
                self.verdicts,
            ),
            images=self.images,
            repositories=SourceReader(self.cluster, self.outside),
            builds=self.builds,
            poller=self.poller,
            clock=self.clock,
            settings=self.settings,
        )
        self.pools = DomainPoolController(
            self.reporter, self.state, self.claims, self.certificates, self.clock
        )
        self.registries = RegistryController(
            self.reporter,
            self.state,
            self.access,
            self.outside,
            self.verdicts,
            self.clock,
            self.images.look_again,
        )

    def written(self) -> list[str]:
        """Return the writes since this was asked last."""
        verbs = self.cluster.verbs()
        self.cluster.writes.clear()
        return verbs

    def status(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        return dict(self.cluster.live(kind, name, namespace).get("status") or {})

    def condition(self, type_: str, kind: str, name: str, namespace: str = "") -> tuple[str, str]:
        """Return the status and the reason of a condition."""
        for item in self.status(kind, name, namespace).get("conditions", ()):
            if item["type"] == type_:
                return item["status"], item["reason"]
        return "", ""

    def hold(
        self,
        wanted: str,
        kind: Any = "host",
        holder: str = "other",
        holder_uid: str = "",
        namespace: str = NAMESPACE,
        pool: str = "apps",
    ) -> Manifest:
        """Store a claim as another operator, or a tenant, would have made it."""
        owner = "Environment" if kind == "host" else "Project"
        who = Holder(owner, "team-b", holder, holder_uid or f"uid-of-{holder}")
        return self.cluster.put(claim(kind, pool=pool, wanted=wanted, holder=who,
                                      namespace=namespace))  # fmt: skip


def ingress(name: str, host: str, namespace: str = "team-b", **metadata: Any) -> Manifest:
    """Return somebody's Ingress."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"rules": [{"host": host}]},
    }


def secret(name: str, namespace: str = NAMESPACE, **data: str) -> Manifest:
    """Return a Secret; values are given as they are in the object."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
