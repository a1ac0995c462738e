"""An Environment `web`, for the tests of its controller."""

from typing import Any

from kapsa.adapters.cluster import Manifest
from tests.builders import (
    environment_manifest,
    sha,
)
from tests.unit.controllers.world import IMAGE, World

KEY = ("team-a", "web")
DOMAIN = {"domainPoolRef": {"name": "apps"}, "subdomain": "web"}
HOST = "web-web.apps.example.com"


def web(**changes: Any) -> Manifest:
    return environment_manifest("web", **({"image": IMAGE, "commit": sha("a")} | changes))


async def reconcile(world: World, *manifests: Manifest) -> float | None:
    world.cluster.put(*manifests)
    return await world.environments.reconcile(KEY)


def roll_out(world: World) -> None:
    live = world.cluster.live("Deployment", "web", "team-a")
    live["spec"]["replicas"] = 1
    live["status"] = {
        "observedGeneration": live["metadata"]["generation"] + 1,
        **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1),
    }
    world.cluster.put(live)


def ready(world: World) -> tuple[str, str]:
    return world.condition("Ready", "Environment", "web", "team-a")
