"""A pool with wildcards, a Project in a namespace made for it, and a fake of cert-manager."""

from typing import Any

from kapsa.adapters.cluster import Manifest
from kapsa.controllers.certificates.triggers import CertificateTriggers
from kapsa.controllers.reconciling.cache import Key
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.triggers import Triggers
from kapsa.core.manifests.namespace import namespace as made_namespace
from kapsa.core.projects.namespaces import environment_namespace
from tests.builders import (
    environment_manifest,
    pool_manifest,
    project,
    project_manifest,
)
from tests.unit.controllers.virtual_time import loop
from tests.unit.controllers.world import IMAGE, NAMESPACE, World

SHOP = project("shop")
MADE = environment_namespace(SHOP, "web")
DOMAIN = {"domainPoolRef": {"name": "apps"}, "subdomain": "shop"}
POOL = ("", "apps")


class CertificateRig(World):
    """Works its queues off one after the other, as the operator would."""

    def __init__(self) -> None:
        super().__init__()
        self.issuer_says = ("True", "signing")
        self.environment_queue: Queue[Key] = Queue("environments")
        self.pool_queue: Queue[Key] = Queue("domainpools")
        self.active = True
        Triggers(
            state=self.state,
            projects=Queue("projects"),
            environments=self.environment_queue,
            domain_pools=self.pool_queue,
            registries=Queue("registries"),
            sweeper=self.sweeper,
            images=self.images,
            is_active=lambda: self.active,
        ).subscribe()
        CertificateTriggers(
            state=self.state,
            environments=self.environment_queue,
            domain_pools=self.pool_queue,
            secrets=self.certificate_secrets,
            is_active=lambda: self.active,
        ).subscribe()
        self.issued = 0

    def start(self, *manifests: Manifest, **cert_manager: Any) -> None:
        """Put the Project, its namespace, the issuer, and a pool with that `certManager`."""
        said = {"issuerRef": {"name": "ca"}} | cert_manager
        issuer = {"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer"}
        self.cluster.put(
            project_manifest("shop", domain=DOMAIN),
            made_namespace(SHOP),
            issuer | {"metadata": {"name": "ca"}, "status": self._said("ca")},
            pool_manifest("apps", certManager=said),
            *manifests,
        )

    def preview(self, name: str = "web", namespace: str = MADE, **spec: Any) -> Manifest:
        """Store a preview of the Project, and return it."""
        given = {"image": IMAGE, "domain": DOMAIN} | spec
        return self.cluster.put(environment_manifest(name, of=SHOP, namespace=namespace, **given))

    async def settle(self) -> None:
        """Work off all that is due, until nothing is."""
        for _ in range(50):
            work = (
                (self.pool_queue, self.pools.reconcile),
                (self.environment_queue, self.environments.reconcile),
                (self.certificate_secrets.queue, self.certificate_secrets.reconcile),
            )
            due = [(reconcile, key) for queue, reconcile in work for key in taken(queue)]
            due += [(self.environments.reconcile, key) for key in self.changed]
            self.changed.clear()
            if not due:
                return
            for reconcile, key in due:
                await reconcile(key)
        raise AssertionError("it never comes to rest")

    def issue(self, name: str = "") -> None:
        """Do what cert-manager does: write a Secret for each Certificate (or one) that has none."""
        for kind, namespace, found in list(self.cluster.objects):
            if kind == "Certificate" and name in ("", found):
                if not self.cluster.has("Secret", found, namespace):
                    self.renew(namespace, found)
                live = self.cluster.live(kind, found, namespace)
                self.cluster.put(live | {"status": self._said(found)})

    def renew(self, namespace: str, name: str) -> None:
        """Write a new certificate into the Secret of a Certificate."""
        self.issued += 1
        live = self.cluster.live("Certificate", name, namespace)
        content = {"tls.crt": f"crt-{self.issued}", "tls.key": f"key-{self.issued}"}
        self.cluster.put(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": dict(live["spec"]["secretTemplate"]["labels"]),
                },
                "type": "kubernetes.io/tls",
                "data": content,
            }
        )

    def names(self, kind: str, namespace: str) -> list[str]:
        """Return the names of the objects of a kind in a namespace."""
        return sorted(name for found, where, name in self.cluster.objects
                      if (found, where) == (kind, namespace))  # fmt: skip

    def wildcard(self) -> str:
        """Return the name of the one wildcard that is ordered."""
        (name,) = self.names("Certificate", NAMESPACE)
        return name

    def tls(self, name: str = "web", namespace: str = MADE) -> tuple[str, str]:
        """Return the status and reason of `TLSReady`."""
        return self.condition("TLSReady", "Environment", name, namespace)

    def _said(self, name: str) -> dict[str, Any]:
        status, message = self.issuer_says
        said = {"type": "Ready", "status": status, "reason": "Said", "message": message}
        return {"conditions": [said], "of": name}


def taken(queue: Queue[Key]) -> list[Key]:
    """Take out of a queue what is due now, or soon."""
    now = loop().time()
    due = [key for key, (when, _) in queue._due.items() if when <= now + 2.0]
    for key in due:
        del queue._due[key]
    return due
