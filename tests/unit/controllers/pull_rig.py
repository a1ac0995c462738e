"""A Registry with pull Secrets, a Project, and Environments that run images of the Registry."""

import asyncio
import base64
import json
from typing import Any

from kapsa.adapters.cluster import Manifest
from kapsa.controllers.pulling.triggers import PullTriggers
from kapsa.controllers.reconciling.cache import Key
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.triggers import Triggers
from kapsa.core.projects.namespaces import environment_namespace
from tests.builders import environment_manifest, project, project_manifest, registry_manifest
from tests.unit.controllers.certificate_rig import taken
from tests.unit.controllers.virtual_time import loop
from tests.unit.controllers.world import IMAGE, NAMESPACE, World, secret

SHOP = project("shop", registry={"name": "harbor"})
MADE = environment_namespace(SHOP, "web")
PULL = "kapsa-pull"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class PullRig(World):
    """Works its queues off one after the other, as the operator would."""

    def __init__(self) -> None:
        super().__init__()
        self.environment_queue: Queue[Key] = Queue("environments")
        self.project_queue: Queue[Key] = Queue("projects")
        Triggers(
            state=self.state,
            projects=self.project_queue,
            environments=self.environment_queue,
            domain_pools=Queue("domainpools"),
            registries=Queue("registries"),
            sweeper=self.sweeper,
            images=self.images,
        ).subscribe()
        PullTriggers(
            state=self.state,
            projects=self.project_queue,
            environments=self.environment_queue,
            secrets=self.pull_secrets,
        ).subscribe()

    def offer(self, name: str = "harbor", password: str = "hunter2", **spec: Any) -> Manifest:
        """Store a Registry, and the Secret of its `pullAuth`."""
        self.rotate(password, name)
        said: dict[str, Any] = {
            "pullAuth": {"secretRef": {"name": f"{name}-pull"}},
            "imagePullSecret": {"name": PULL},
        } | spec
        kept = {key: value for key, value in said.items() if value is not None}
        return self.cluster.put(registry_manifest(name, **kept))

    def rotate(self, password: str, name: str = "harbor") -> None:
        """Write another password."""
        content = {"username": base64_of("robot"), "password": base64_of(password)}
        self.cluster.put(secret(f"{name}-pull", NAMESPACE, **content))

    def alone(self, name: str = "web", namespace: str = "team-a", **spec: Any) -> Manifest:
        """Store an Environment that stands alone."""
        given = {"image": IMAGE, "registry": {"name": "harbor"}} | spec
        return self.cluster.put(environment_manifest(name, namespace=namespace, **given))

    def of_project(self, name: str = "web", **spec: Any) -> None:
        """Store the Project, whose namespace is made, and an Environment of it."""
        previews = {"enabled": True}
        self.cluster.put(
            project_manifest("shop", registry={"name": "harbor"}, previewEnvironments=previews)
        )
        given = {"image": IMAGE, "registry": {"name": "harbor"}} | spec
        self.cluster.put(environment_manifest(name, of=SHOP, pr=7, namespace=MADE, **given))

    async def settle(self) -> None:
        """Work off all that is due, until nothing is."""
        for _ in range(50):
            work = (
                (self.project_queue, self.projects.reconcile),
                (self.environment_queue, self.environments.reconcile),
                (self.pull_secrets.queue, self.pull_secrets.reconcile),
            )
            due = [(queue, reconcile, key) for queue, reconcile in work for key in taken(queue)]
            due += [
                (self.environment_queue, self.environments.reconcile, key) for key in self.changed
            ]
            self.changed.clear()
            if not due:
                return
            for queue, reconcile, key in due:
                after = await reconcile(key)
                if after is not None:
                    queue.add(key, after)
        raise AssertionError("it never comes to rest")

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and work off what becomes due meanwhile."""
        until = loop().time() + seconds
        while loop().time() < until:
            await asyncio.sleep(1.0)
            await self.settle()

    def secrets(self, namespace: str = "team-a") -> list[str]:
        """Return the names of the Secrets of a namespace."""
        return sorted(name for kind, where, name in self.cluster.objects
                      if (kind, where) == ("Secret", namespace))  # fmt: skip

    def password(self, namespace: str = "team-a", name: str = PULL) -> str:
        """Return the password that a pull Secret holds."""
        packed = self.cluster.live("Secret", name, namespace)["data"][".dockerconfigjson"]
        (entry,) = json.loads(base64.b64decode(packed))["auths"].values()
        return str(entry["password"])

    def registry_ready(self, name: str = "web", namespace: str = "team-a") -> tuple[str, str]:
        return self.condition("RegistryReady", "Environment", name, namespace)
