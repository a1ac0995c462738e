"""The DomainPool's controller."""

import pytest

from kapsa.adapters.cluster import Manifest
from tests.builders import pool_manifest
from tests.unit.controllers.world import NAMESPACE, World

KEY = ("", "apps")


@pytest.fixture
async def world() -> World:
    return World()


async def test_it_counts_the_hosts_that_are_held(world: World) -> None:
    world.cluster.put(pool_manifest("apps", "apps.example.com", "apps.example.org"))
    for host in ("a.apps.example.com", "b.apps.example.com", "a.apps.example.org"):
        world.hold(host)
    world.hold("shop.apps.example.com", kind="subdomain")
    world.hold("x.other.example.com", pool="other")
    world.hold("invented.apps.example.com", namespace="team-a")
    await world.pools.reconcile(KEY)
    status = world.status("DomainPool", "apps")
    assert status["allocated"] == 3
    assert status["perDomain"] == [
        {"domain": "apps.example.com", "allocated": 2},
        {"domain": "apps.example.org", "allocated": 1},
    ]
    assert world.condition("Ready", "DomainPool", "apps") == ("True", "Ready")


async def test_it_writes_only_what_changed(world: World) -> None:
    world.cluster.put(pool_manifest())
    assert await world.pools.reconcile(KEY) is None
    assert world.written() == ["status DomainPool apps"]
    await world.pools.reconcile(KEY)
    assert world.written() == []
    lease = world.hold("a.apps.example.com")
    await world.pools.reconcile(KEY)
    world.cluster.remove("Lease", lease["metadata"]["name"], NAMESPACE)
    await world.pools.reconcile(KEY)
    assert world.written() == ["status DomainPool apps"] * 2
    assert world.status("DomainPool", "apps").get("allocated", 0) == 0


@pytest.mark.parametrize(
    "invalid",
    [
        pytest.param(pool_manifest("apps", "NOT A HOST"), id="no-host"),
        pytest.param(pool_manifest("apps", "a" * 64 + ".org"), id="a-label-that-is-too-long"),
        pytest.param(
            pool_manifest("apps", ".".join(["a" * 60, "b" * 60, "org1"])),
            id="no-room-for-two-labels-before-it",
        ),
        pytest.param(
            pool_manifest(
                "apps", allowedNamespaces={"selector": {"matchLabels": {"no key!": "a"}}}
            ),
            id="a-selector-with-a-key-that-no-label-can-have",
        ),
    ],
)
async def test_an_invalid_pool_is_told(world: World, invalid: Manifest) -> None:
    world.cluster.put(invalid)
    await world.pools.reconcile(KEY)
    assert world.condition("Ready", "DomainPool", "apps") == ("False", "InvalidSpec")
    assert world.condition("Stalled", "DomainPool", "apps") == ("True", "InvalidSpec")


async def test_what_is_gone_or_going_is_left(world: World) -> None:
    assert await world.pools.reconcile(KEY) is None
    world.cluster.put(pool_manifest(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    assert await world.pools.reconcile(KEY) is None
    assert world.written() == []
