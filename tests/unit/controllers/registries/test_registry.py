"""The Registry's controller."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from kapsa.core.images.rights import Right
from tests.builders import registry, registry_manifest
from tests.unit.controllers.world import World, secret

KEY = ("", "harbor")
PULL: dict[str, Any] = {"pullAuth": {"secretRef": {"name": "pull"}}}
PUSH: dict[str, Any] = {"auth": {"secretRef": {"name": "push"}}}
ONE, TWO = "b25l", "dHdv"
SHOP = Right("acme/shop")
SHOP_PUSH = Right("acme/shop", ("pull", "push"))
VERIFY = "verify registry.example.com"


@pytest.fixture
async def world() -> World:
    return World()


def ready(world: World) -> tuple[str, str]:
    return condition(world, "Ready")


def condition(world: World, type_: str) -> tuple[str, str]:
    return world.condition(type_, "Registry", "harbor")


def passwords(world: World) -> list[str | None]:
    return [found.password if found else None for found in world.outside.credentials]


async def test_one_that_takes_the_credentials_is_ready_and_verified(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL), secret("pull", username="bWU=", password=ONE))
    await world.registries.reconcile(KEY)
    assert ready(world) == ("True", "RegistryReady")
    assert condition(world, "Reachable") == ("True", "RegistryReady")
    assert condition(world, "Authenticated") == ("True", "RegistryReady")
    assert passwords(world) == ["one"]
    status = world.status("Registry", "harbor")
    assert (status["verified"], status["lastVerified"]) == (True, "2026-01-01T00:16:40Z")


async def rest(world: World, seconds: float) -> None:
    """Let time pass, and bring the Registry in order as often as it asks for."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        after = await world.registries.reconcile(KEY)
        assert after is not None
        left = end - asyncio.get_running_loop().time()
        await asyncio.sleep(min(after, left))
        if after >= left:
            return


async def test_it_is_asked_and_written_once_in_the_interval(world: World) -> None:
    world.cluster.put(registry_manifest(verifyInterval="10m"))
    await rest(world, 599)
    assert (world.outside.asked, len(world.written())) == ([VERIFY], 1)
    await rest(world, 10)
    assert (world.outside.asked, len(world.written())) == ([VERIFY] * 2, 1)


async def test_an_interval_of_nothing_is_a_minute(world: World) -> None:
    world.cluster.put(registry_manifest(verifyInterval="0s"))
    await rest(world, 59)
    assert world.outside.asked == [VERIFY]


async def test_an_operator_that_starts_anew_asks_and_writes_nothing(world: World) -> None:
    world.cluster.put(registry_manifest())
    await world.registries.reconcile(KEY)
    world.written()
    world.registries._asked.clear()
    await world.registries.reconcile(KEY)
    assert (world.outside.asked, world.written()) == ([VERIFY] * 2, [])


@pytest.mark.parametrize(
    ("error", "progress", "reachable", "authenticated"),
    [
        (Stalled("RegistryUnauthorized", "refused"), "Stalled", "True", "False"),
        (Stalled("RegistryRefused", "metadata"), "Stalled", "False", "Unknown"),
        (Waiting("RegistryUnreachable", "reset"), "Reconciling", "False", "Unknown"),
    ],
    ids=["unauthorized", "refused", "unreachable"],
)
async def test_one_that_fails_is_told_and_asked_again_within_a_minute(
    world: World, error: Exception, progress: str, reachable: str, authenticated: str
) -> None:
    world.cluster.put(registry_manifest())
    world.outside.verify_error = error
    await rest(world, 30)
    assert ready(world)[0] == "False"
    assert condition(world, progress)[0] == "True"
    assert condition(world, "Reachable")[0] == reachable
    assert condition(world, "Authenticated")[0] == authenticated
    assert world.status("Registry", "harbor")["verified"] is False
    world.outside.verify_error = None
    await rest(world, 60)
    assert ready(world)[0] == "True"
    assert condition(world, progress) == ("", "")


async def test_one_that_keeps_failing_is_written_once(world: World) -> None:
    world.cluster.put(registry_manifest())
    world.outside.verify_error = Waiting("RegistryUnreachable", "reset")
    await rest(world, 600)
    assert len(world.written()) == 1


async def test_one_that_asks_for_patience_gets_it(world: World) -> None:
    world.cluster.put(registry_manifest())
    world.outside.verify_error = Waiting("RateLimited", "later", 300.0)
    await rest(world, 299)
    assert world.outside.asked == [VERIFY]


async def test_a_rotated_secret_heals_within_a_minute(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL), secret("pull", username="bWU=", password=ONE))
    world.outside.verify_error = Stalled("RegistryUnauthorized", "expired")
    await world.registries.reconcile(KEY)
    await world.images.resolve("registry.example.com/acme/shop:1", None)
    world.cluster.put(secret("pull", username="bWU=", password=TWO))
    world.outside.verify_error = None
    await rest(world, 31)
    assert ready(world) == ("True", "RegistryReady")
    assert passwords(world)[-1] == "two"
    await world.images.resolve("registry.example.com/acme/shop:1", None)
    assert world.outside.asked.count("image registry.example.com/acme/shop:1") == 2


async def test_secrets_that_stay_are_read_without_asking_the_registry(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL), secret("pull", username="bWU=", password=ONE))
    await rest(world, 300)
    assert (len(world.outside.asked), len(world.written())) == (1, 1)


async def test_a_missing_secret_is_told_without_asking_the_registry(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL))
    assert await world.registries.reconcile(KEY) == 30.0
    assert ready(world) == ("False", "SecretNotFound")
    assert condition(world, "Reachable")[0] == "Unknown"
    assert world.outside.asked == []


async def test_a_secret_that_comes_back_with_the_same_content_is_tried_at_once(
    world: World,
) -> None:
    same = secret("pull", username="bWU=", password=ONE)
    world.cluster.put(registry_manifest(**PULL, verifyInterval="1h"), same)
    await rest(world, 31)
    world.cluster.remove("Secret", "pull", "kapsa-system")
    await rest(world, 31)
    assert ready(world) == ("False", "SecretNotFound")
    world.cluster.put(same)
    world.outside.asked.clear()
    await rest(world, 31)
    assert ready(world) == ("True", "RegistryReady")
    assert world.outside.asked == [VERIFY]


async def test_a_secret_that_could_not_be_read_once_is_tried_at_once(world: World) -> None:
    world.cluster.put(
        registry_manifest(**PULL, verifyInterval="1h"),
        secret("pull", username="bWU=", password=ONE),
    )
    await rest(world, 31)
    world.cluster.fail(Waiting("ApiServerUnavailable", "it does not answer"), "get", "Secret")
    await world.registries.reconcile(KEY)
    assert ready(world) == ("False", "ApiServerUnavailable")
    await rest(world, 31)
    assert ready(world) == ("True", "RegistryReady")


async def test_what_was_looked_up_in_vain_is_looked_up_again_where_the_registry_is_back(
    world: World,
) -> None:
    harbor, other = registry("harbor"), registry("other")
    tag = "registry.example.com/acme/shop:1"
    world.cluster.put(registry_manifest())
    world.outside.verify_error = Waiting("RegistryUnreachable", "reset")
    await world.registries.reconcile(KEY)
    for named in (harbor, other):
        await world.images.resolve(tag, named)
    await asyncio.sleep(5)
    world.outside.verify_error = None
    world.registries._asked.clear()
    await world.registries.reconcile(KEY)
    world.outside.asked.clear()
    await world.images.resolve(tag, other)
    assert world.outside.asked == []
    await world.images.resolve(tag, harbor)
    assert world.outside.asked == [f"image {tag}"]


async def test_secrets_are_read_in_the_operators_namespace_alone(world: World) -> None:
    world.cluster.put(registry_manifest(**PULL), secret("pull", "team-a", password=ONE))
    await world.registries.reconcile(KEY)
    assert ready(world) == ("False", "SecretNotFound")


async def test_it_is_asked_for_what_projects_need_to_pull_and_to_push(world: World) -> None:
    world.cluster.put(
        registry_manifest(**PULL, **PUSH),
        secret("pull", username="bWU=", password=ONE),
        secret("push", username="bWU=", password=TWO),
    )
    world.verdicts.need(("team-a", "shop"), "harbor", (SHOP, SHOP_PUSH))
    world.verdicts.need(("team-b", "blog"), "other", (Right("acme/blog"),))
    await world.registries.reconcile(KEY)
    assert world.outside.asked == [
        f"{VERIFY} repository:acme/shop:pull,push",
        f"{VERIFY} repository:acme/shop:pull",
    ]
    assert passwords(world) == ["two", "one"]


async def test_a_right_that_is_needed_since_is_asked_for_at_once(world: World) -> None:
    world.cluster.put(registry_manifest())
    await world.registries.reconcile(KEY)
    world.verdicts.need(("team-a", "shop"), "harbor", (SHOP,))
    assert world.needed == ["harbor"]
    await world.registries.reconcile(KEY)
    assert world.outside.asked[-1] == f"{VERIFY} repository:acme/shop:pull"


async def test_a_registry_is_asked_for_twenty_repositories_at_most(world: World) -> None:
    world.cluster.put(registry_manifest())
    for number in range(30):
        world.verdicts.need(("a", str(number)), "harbor", (Right(f"acme/{number:02}"),))
    await world.registries.reconcile(KEY)
    assert world.outside.asked[0].count("repository:") == 20


async def test_with_credentials_to_push_alone_no_stranger_asks_for_nothing(world: World) -> None:
    world.cluster.put(registry_manifest(**PUSH), secret("push", username="bWU=", password=TWO))
    await world.registries.reconcile(KEY)
    assert passwords(world) == ["two"]


async def test_what_is_refused_is_named_and_told_to_projects(world: World) -> None:
    world.cluster.put(registry_manifest(**PUSH), secret("push", username="bWU=", password=TWO))
    world.verdicts.need(("team-a", "shop"), "harbor", (SHOP_PUSH,))
    world.outside.refused = {SHOP_PUSH: "DENIED: read-only robot"}
    await world.registries.reconcile(KEY)
    assert condition(world, "Authenticated") == ("False", "RegistryUnauthorized")
    assert condition(world, "Reachable")[0] == "True"
    (message,) = {
        item["message"]
        for item in world.status("Registry", "harbor")["conditions"]
        if item["status"] == "False"
    }
    assert message == (
        "Registry harbor does not let Kapsa push to acme/shop: DENIED: read-only robot"
    )
    assert world.judged == ["harbor"]
    await world.registries.reconcile(KEY)
    assert world.judged == ["harbor"]


async def test_certificates_are_read_from_the_secret_that_is_named(world: World) -> None:
    world.cluster.put(
        registry_manifest(caSecretRef={"name": "ca"}), secret("ca", **{"ca.crt": "bm9uZQ=="})
    )
    await world.registries.reconcile(KEY)
    assert ready(world) == ("False", "SecretInvalid")


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


async def test_what_is_gone_leaves_no_verdict(world: World) -> None:
    world.cluster.put(registry_manifest())
    await world.registries.reconcile(KEY)
    assert world.verdicts.of("harbor") is not None
    world.cluster.remove("Registry", "harbor")
    await world.registries.reconcile(KEY)
    assert world.verdicts.of("harbor") is None
