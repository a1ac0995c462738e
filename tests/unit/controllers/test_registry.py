"""The Registry's controller."""

from typing import Any

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from tests.builders import registry_manifest
from tests.unit.controllers.world import World, secret

KEY = ("", "harbor")
PULL: dict[str, Any] = {"pullAuth": {"secretRef": {"name": "pull"}}}


@pytest.fixture
async def world() -> World:
    return World()


def ready(world: World) -> tuple[str, str]:
    return world.condition("Ready", "Registry", "harbor")


async def test_one_that_takes_the_credentials_is_ready_and_looked_at_every_ten_minutes(
    world: World,
) -> None:
    world.cluster.put(registry_manifest(**PULL), secret("pull", username="bWU=", password="b25l"))
    assert await world.registries.reconcile(KEY) == 600.0
    assert ready(world) == ("True", "RegistryReady")
    assert [found and found.password for found in world.outside.credentials] == ["one"]
    world.written()
    await world.registries.reconcile(KEY)
    assert world.written() == []


@pytest.mark.parametrize(
    ("error", "condition"),
    [
        (Stalled("RegistryUnauthorized", "refused"), "Stalled"),
        (Waiting("RegistryUnreachable", "reset"), "Reconciling"),
    ],
    ids=["refused", "unreachable"],
)
async def test_one_that_fails_is_told_and_looked_at_again_within_a_minute(
    world: World, error: Exception, condition: str
) -> None:
    world.cluster.put(registry_manifest())
    world.outside.ping_error = error
    assert await world.registries.reconcile(KEY) == 60.0
    assert ready(world)[0] == "False"
    assert world.condition(condition, "Registry", "harbor")[0] == "True"
    world.outside.ping_error = None
    await world.registries.reconcile(KEY)
    assert ready(world)[0] == "True"
    assert world.condition(condition, "Registry", "harbor") == ("", "")


async def test_a_missing_secret_is_told_without_asking_the_registry(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL))
    await world.registries.reconcile(KEY)
    assert ready(world) == ("False", "SecretNotFound")
    assert world.outside.asked == []


async def test_secrets_are_read_in_the_operators_namespace_alone(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL), secret("pull", "team-a", password="b25l"))
    await world.registries.reconcile(KEY)
    assert ready(world) == ("False", "SecretNotFound")


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"endpoint": "http://no"}, id="a-url-for-a-host"),
        pytest.param(
            {"allowedNamespaces": {"selector": {"matchLabels": {"no key!": "a"}}}},
            id="a-selector-with-a-key-that-no-label-can-have",
        ),
    ],
)
async def test_an_invalid_registry_is_told(world: World, spec: dict[str, Any]) -> None:
    world.cluster.put(registry_manifest(**spec))
    await world.registries.reconcile(KEY)
    assert ready(world) == ("False", "InvalidSpec")


async def test_what_is_gone_or_going_is_left(world: World) -> None:
    assert await world.registries.reconcile(KEY) is None
    world.cluster.put(registry_manifest(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    assert await world.registries.reconcile(KEY) is None
    assert world.written() == []
