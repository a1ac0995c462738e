"""Environments that expire, as their controller sees to it while time passes."""

from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Waiting
from kapsa.core.conditions import Blocked
from tests.builders import pool_manifest, project, project_manifest, sha
from tests.unit.controllers.environment_rig import (
    DOMAIN,
    HOST,
    KEY,
    ready,
    reconcile,
    roll_out,
    web,
)
from tests.unit.controllers.virtual_time import loop
from tests.unit.controllers.world import World

SHOP = project("shop")
CHILDREN = ("Deployment", "Service", "Ingress")
DAY = 86_400.0
START = 1000.0
"""Seconds between the creation of the builders' objects and the beginning of a test."""


@pytest.fixture
async def world() -> World:
    made = World()
    rules = {"ttl": "7d", "maxLifetime": "30d"}
    made.cluster.put(pool_manifest(), project_manifest("shop", previewEnvironments=rules))
    return made


async def preview(world: World, **changes: Any) -> float | None:
    """Make a running preview of the Project `shop`; return when it is looked at again."""
    known: dict[str, Any] = {"of": SHOP, "ttl": "7d", "domain": DOMAIN} | changes
    await reconcile(world, web(**known))
    roll_out(world)
    return await world.environments.reconcile(KEY)


async def alone(world: World, **changes: Any) -> float | None:
    """Make a running Environment that belongs to no Project and lives for half an hour."""
    known: dict[str, Any] = {"ttl": "30m"} | changes
    return await preview(world, of=None, domain=None, **known)


async def later(world: World, seconds: float) -> float | None:
    """Let time pass, and look again."""
    loop().jump(seconds)
    return await world.environments.reconcile(KEY)


def live(world: World) -> Manifest:
    return world.cluster.live("Environment", "web", "team-a")


def annotate(world: World, **marks: str) -> None:
    changed = live(world)
    changed["metadata"]["annotations"] = {
        f"kapsa-project.io/{key.replace('_', '-')}": value for key, value in marks.items()
    }
    world.cluster.put(changed)


def children(world: World) -> list[str]:
    return [kind for kind in CHILDREN if world.cluster.has(kind, "web", "team-a")]


def status(world: World) -> dict[str, Any]:
    return world.status("Environment", "web", "team-a")


async def test_a_preview_is_looked_at_again_within_the_hour_and_when_it_expires(
    world: World,
) -> None:
    assert await preview(world) == 3600.0
    assert await later(world, 7 * DAY - START - 60) == 60.0


async def test_an_expired_preview_keeps_its_object_and_its_host_and_loses_the_rest(
    world: World,
) -> None:
    await preview(world)
    assert children(world) == [*CHILDREN]
    world.written()

    assert await later(world, 7 * DAY) is None

    assert world.written() == [
        "delete Deployment team-a/web",
        "delete Service team-a/web",
        "delete Ingress team-a/web",
        "status Environment team-a/web",
    ]
    assert ready(world) == ("False", "TtlExpired")
    assert status(world)["phase"] == "Expired"
    assert status(world)["host"] == HOST
    assert list(world.claims.held("host", live(world)["metadata"]["uid"])) == [HOST]


async def test_an_expired_preview_is_quiet_and_a_restart_too(world: World) -> None:
    await preview(world)
    await later(world, 7 * DAY)
    world.written()
    for _ in range(3):
        assert await later(world, DAY) is None
    again = World()
    again.cluster.__dict__.update(world.cluster.__dict__, _caches=[])
    again.cluster.feed(*again.state.all)
    assert await again.environments.reconcile(KEY) is None
    assert again.written() == []


async def test_its_life_costs_a_running_preview_no_write(world: World) -> None:
    await preview(world)
    verbs = world.written()
    assert verbs.count("status Environment team-a/web") == 2, "deploying, and running"
    await later(world, 3 * DAY)
    assert world.written() == []


@pytest.mark.parametrize("way", ["commit", "extended_until", "pin", "requestedAt"])
async def test_it_comes_back_at_the_same_host(world: World, way: str) -> None:
    values = {"extended_until": "2026-01-20T00:00:00Z", "pin": "true", "requestedAt": "now"}
    await preview(world)
    await later(world, 8 * DAY)
    assert children(world) == []
    if way == "commit":
        changed = live(world)
        changed["spec"]["commit"] = sha("b")
        world.cluster.put(changed)
    else:
        annotate(world, **{way: values[way]})

    await world.environments.reconcile(KEY)

    assert children(world) == [*CHILDREN]
    assert status(world)["host"] == HOST
    assert ready(world) == ("False", "WorkloadProgressing")
    roll_out(world)
    await world.environments.reconcile(KEY)
    assert ready(world) == ("True", "Ready")
    assert world.condition("Expired", "Environment", "web", "team-a") == ("", "")


async def test_a_request_brings_it_back_for_one_more_ttl(world: World) -> None:
    await preview(world)
    await later(world, 8 * DAY)
    annotate(world, requestedAt="now")
    await later(world, 0)
    world.written()
    await later(world, 6 * DAY)
    assert children(world) == [*CHILDREN]
    await later(world, 1 * DAY)
    assert children(world) == []


async def test_max_lifetime_ends_a_preview_that_is_still_worked_on(world: World) -> None:
    await preview(world)
    for number in range(5):
        changed = live(world)
        changed["spec"]["commit"] = sha(number)
        world.cluster.put(changed)
        await world.environments.reconcile(KEY)
        await later(world, 6 * DAY)
    assert ready(world) == ("False", "MaxLifetimeReached")
    assert children(world) == []


async def test_the_projects_max_lifetime_counts_as_it_is_now(world: World) -> None:
    await preview(world)
    rules = {"ttl": "7d", "maxLifetime": "1d"}
    world.cluster.put(project_manifest("shop", previewEnvironments=rules))
    await later(world, 1 * DAY)
    assert ready(world) == ("False", "MaxLifetimeReached")


async def test_one_that_kapsa_knew_before_lifetimes_does_not_expire_at_once(world: World) -> None:
    old = {"creationTimestamp": "2025-01-01T00:00:00Z"}
    await preview(world, metadata=old, status={"observedGeneration": 1})
    assert status(world)["expiresAt"] == "2026-01-08T00:16:40Z"
    assert children(world) == [*CHILDREN]


async def test_a_suspended_one_does_not_expire_before_it_goes_on(world: World) -> None:
    await preview(world)
    changed = live(world)
    changed["spec"]["suspend"] = True
    world.cluster.put(changed)
    assert await later(world, 8 * DAY) is None
    assert children(world) == [*CHILDREN]
    assert ready(world) == ("True", "Suspended")

    changed = live(world)
    changed["spec"]["suspend"] = False
    world.cluster.put(changed)
    await world.environments.reconcile(KEY)
    assert children(world) == []


async def test_an_expired_one_that_is_suspended_stays_as_it_is(world: World) -> None:
    await preview(world)
    await later(world, 8 * DAY)
    changed = live(world)
    changed["spec"]["suspend"] = True
    world.cluster.put(changed)
    world.written()
    await world.environments.reconcile(KEY)
    assert world.written() == ["status Environment team-a/web"]
    assert status(world)["phase"] == "Expired"
    assert world.condition("Expired", "Environment", "web", "team-a") == ("True", "TtlExpired")


async def test_nobody_looks_for_the_image_of_an_expired_one(world: World) -> None:
    await preview(world)
    world.images.note(KEY, Blocked("ImageNotFound", "not yet", retry_after=10.0))
    await later(world, 8 * DAY)
    assert world.images.obstacle(KEY) is None


async def test_one_that_expires_without_a_host_claims_none(world: World) -> None:
    await reconcile(world, web(of=SHOP, ttl="10m", domain=DOMAIN))
    assert not any(key[0] == "Lease" for key in world.cluster.objects)
    assert ready(world) == ("False", "TtlExpired")


async def test_what_can_not_be_cleaned_up_now_is_cleaned_up_soon(world: World) -> None:
    await preview(world)
    world.cluster.fail(Waiting("ApiServerUnavailable", "no answer", 2.0), "delete", "Service")
    assert await later(world, 8 * DAY) == 2.0
    assert ready(world) == ("False", "ApiServerUnavailable")
    assert await later(world, 2.0) is None
    assert children(world) == []
    assert ready(world) == ("False", "TtlExpired")


async def test_one_that_stands_alone_is_deleted_and_no_other_of_its_name(world: World) -> None:
    await alone(world)
    uid = live(world)["metadata"]["uid"]
    world.cluster.writes.clear()

    assert await later(world, 1800.0) is not None

    (write,) = world.cluster.writes
    assert (str(write), write.uid) == ("delete Environment team-a/web", uid)
    assert not world.cluster.has("Environment", "web", "team-a")
    assert await later(world, 2.0) is None


async def test_an_extension_that_the_watch_has_not_shown_yet_saves_it(world: World) -> None:
    await alone(world)
    world.cluster.watch_is_late = True
    annotate(world, extended_until="2026-02-01T00:00:00Z")

    assert await later(world, 1800.0) == 2.0

    assert world.cluster.has("Environment", "web", "team-a")
    world.cluster.catch_up()
    await later(world, 2.0)
    assert status(world)["expiresAt"] == "2026-02-01T00:00:00Z"
    assert children(world) == ["Deployment", "Service"]


async def test_a_suspended_one_that_stands_alone_is_not_deleted(world: World) -> None:
    await alone(world)
    changed = live(world)
    changed["spec"]["suspend"] = True
    world.cluster.put(changed)
    await later(world, DAY)
    assert world.cluster.has("Environment", "web", "team-a")


async def test_a_pinned_one_that_stands_alone_is_not_deleted(world: World) -> None:
    await alone(world)
    annotate(world, pin="true")
    assert await later(world, DAY) is None
    assert world.cluster.has("Environment", "web", "team-a")
    assert "expiresAt" not in status(world)


async def test_what_keeps_one_that_stands_alone_from_being_deleted_is_told(world: World) -> None:
    await alone(world)
    world.cluster.fail(Waiting("ApiServerUnavailable", "no answer", 3.0), "delete")
    assert await later(world, DAY) == 3.0
    assert ready(world) == ("False", "ApiServerUnavailable")
    assert world.condition("Expired", "Environment", "web", "team-a") == ("True", "TtlExpired")


async def test_an_extension_that_is_no_time_breaks_nothing_and_is_told(world: World) -> None:
    await preview(world, metadata={"annotations": {"kapsa-project.io/extended-until": "tomorrow"}})
    assert ready(world) == ("True", "Ready")
    said = world.condition("Expired", "Environment", "web", "team-a")
    assert said == ("False", "ExtensionInvalid")
