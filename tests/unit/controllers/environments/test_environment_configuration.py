"""ConfigMaps and Secrets of an Environment: copied, kept in step, and given to its pods."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.controllers.environments.configuration import LOOK_AGAIN
from kapsa.core import labels
from kapsa.core.projects.namespaces import environment_namespace
from kapsa.core.workloads.configuration import copy_name
from tests.builders import environment_manifest, pool_manifest, project, project_manifest, sha
from tests.unit.controllers.world import IMAGE, World, secret

CANARY = "Y2FuYXJ5LXZhbHVl"
PLAIN = "canary-value"
OTHER = "b3RoZXI="
SHOP = project("shop")
MADE = environment_namespace(SHOP, "web")
KEY = (MADE, "web")
COPY = copy_name("web", "secrets")
BOUND: dict[str, Any] = {"secretRefs": [{"name": "secrets"}]}
Logs = list[MutableMapping[str, Any]]


@pytest.fixture
async def world() -> World:
    made = World()
    owned = {**labels.MANAGED, labels.OWNER_UID: SHOP.metadata.uid}
    namespace = {"name": MADE, "labels": owned}
    made.cluster.put(
        project_manifest("shop"),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace},
        source(CANARY),
    )
    return made


def source(value: str) -> Manifest:
    return secret("secrets", "team-a", PASSWORD=value)


def preview(of: Any = SHOP, namespace: str = MADE, **spec: Any) -> Manifest:
    bound = {"image": IMAGE, "commit": sha("a"), "runtime": BOUND}
    return environment_manifest("web", of=of, namespace=namespace, **(bound | spec))


async def bring(world: World, *manifests: Manifest, namespace: str = MADE) -> float | None:
    world.cluster.put(*manifests)
    return await world.environments.reconcile((namespace, "web"))


def rolled_out(world: World, namespace: str = MADE) -> None:
    live = world.cluster.live("Deployment", "web", namespace)
    live["spec"]["replicas"] = 1
    live["status"] = {
        "observedGeneration": live["metadata"]["generation"] + 1,
        **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1),
    }
    world.cluster.put(live)


def said(world: World, type_: str, namespace: str = MADE) -> tuple[str, str]:
    return world.condition(type_, "Environment", "web", namespace)


def rolls(world: World, namespace: str = MADE) -> str:
    """Return the digest that changes where the pods are to be replaced."""
    template = world.cluster.live("Deployment", "web", namespace)["spec"]["template"]
    return str(template["metadata"]["annotations"][labels.CONFIG])


def container(world: World, namespace: str = MADE) -> Any:
    template = world.cluster.live("Deployment", "web", namespace)["spec"]["template"]
    return template["spec"]["containers"][0]


async def test_a_secret_is_copied_to_where_the_pods_are_before_them(world: World) -> None:
    assert await bring(world, preview()) == LOOK_AGAIN
    assert world.written()[:2] == [f"apply Secret {MADE}/{COPY}", f"apply Deployment {MADE}/web"]
    copy = world.cluster.live("Secret", COPY, MADE)
    assert copy["data"] == {"PASSWORD": CANARY}
    assert labels.controller_uid(copy) == preview()["metadata"]["uid"]
    assert container(world)["envFrom"] == [{"secretRef": {"name": COPY}}]
    assert said(world, "ConfigurationReady") == ("True", "ConfigurationReady")


@pytest.mark.parametrize("of", [SHOP, None], ids=["shared", "standing-alone"])
async def test_beside_its_source_nothing_is_copied(world: World, of: Any) -> None:
    await bring(world, preview(of=of, namespace="team-a"), namespace="team-a")
    assert [verb for verb in world.written() if "Secret" in verb] == []
    assert container(world, "team-a")["envFrom"] == [{"secretRef": {"name": "secrets"}}]
    before = rolls(world, "team-a")
    world.cluster.put(source(OTHER))
    await asyncio.sleep(LOOK_AGAIN)
    await bring(world, namespace="team-a")
    assert rolls(world, "team-a") != before


async def test_who_names_nothing_has_no_condition_and_waits_for_a_change(world: World) -> None:
    assert await bring(world, preview(runtime={})) is None
    assert said(world, "ConfigurationReady") == ("", "")
    template = world.cluster.live("Deployment", "web", MADE)["spec"]["template"]
    assert set(template["metadata"]["annotations"]) == {labels.COMMIT}


async def test_looking_again_writes_nothing_and_neither_does_another_operator(
    world: World,
) -> None:
    await bring(world, preview())
    rolled_out(world)
    await bring(world)
    world.written()
    for _ in range(3):
        await asyncio.sleep(LOOK_AGAIN)
        assert await bring(world) == LOOK_AGAIN
    restarted = World()
    restarted.cluster.put(*world.cluster.objects.values())
    await restarted.environments.reconcile(KEY)
    assert [*world.written(), *restarted.written()] == []


async def test_a_rotation_reaches_copy_and_pods(world: World) -> None:
    await bring(world, preview())
    before = rolls(world)
    world.cluster.put(source(OTHER))
    await asyncio.sleep(LOOK_AGAIN)
    world.written()
    await bring(world)
    assert world.written()[:2] == [f"apply Secret {MADE}/{COPY}", f"apply Deployment {MADE}/web"]
    assert world.cluster.live("Secret", COPY, MADE)["data"] == {"PASSWORD": OTHER}
    assert rolls(world) != before


async def test_an_edited_copy_is_put_right(world: World) -> None:
    await bring(world, preview())
    edited = world.cluster.live("Secret", COPY, MADE)
    edited["data"]["PASSWORD"] = OTHER
    world.cluster.put(edited)
    world.written()
    await bring(world)
    assert world.written() == [f"apply Secret {MADE}/{COPY}"]
    assert world.cluster.live("Secret", COPY, MADE)["data"] == {"PASSWORD": CANARY}


async def test_a_webhook_that_rewrites_a_copy_is_named_without_what_it_holds(world: World) -> None:
    def rewrite(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Secret":
            manifest["data"] = {"PASSWORD": OTHER}
        return manifest

    world.cluster.admission = rewrite
    await bring(world, preview())
    await bring(world)
    assert said(world, "Ready") == ("False", "NotConverging")
    status = str(world.status("Environment", "web", MADE))
    assert "data.PASSWORD is changed back" in status
    assert OTHER not in status


async def test_what_is_unbound_goes_when_no_pod_may_need_it_any_more(world: World) -> None:
    await bring(world, preview())
    rolled_out(world)
    await bring(world, preview(runtime={}))
    assert world.cluster.has("Secret", COPY, MADE), "pods of the last version may start once more"
    rolled_out(world)
    await bring(world)
    assert not world.cluster.has("Secret", COPY, MADE)
    assert world.cluster.has("Secret", "secrets", "team-a")


async def test_with_its_pods_the_copy_goes_too(world: World) -> None:
    await bring(world, preview(ttl="1h"))
    await asyncio.sleep(7200)
    await bring(world)
    assert said(world, "Expired")[0] == "True"
    assert not world.cluster.has("Secret", COPY, MADE)
    assert said(world, "ConfigurationReady") == ("", "")


async def test_a_strangers_object_of_the_copys_name_is_left_alone(world: World) -> None:
    world.cluster.put(secret(COPY, MADE, theirs=OTHER))
    await bring(world, preview())
    assert said(world, "Ready") == ("False", "NameConflict")
    assert world.cluster.live("Secret", COPY, MADE)["data"] == {"theirs": OTHER}
    assert not world.cluster.has("Deployment", "web", MADE)


async def test_a_secret_that_vanished_is_named_what_runs_keeps_running_and_it_heals(
    world: World,
) -> None:
    await bring(world, preview())
    rolled_out(world)
    await bring(world)
    world.cluster.remove("Secret", "secrets", "team-a")
    await asyncio.sleep(LOOK_AGAIN)
    world.written()
    assert await bring(world) == LOOK_AGAIN
    assert world.written() == [f"status Environment {MADE}/web"]
    assert said(world, "ConfigurationReady") == ("False", "SecretNotFound")
    assert said(world, "Ready") == ("False", "SecretNotFound")
    assert world.cluster.has("Secret", COPY, MADE)
    world.cluster.put(source(CANARY))
    await asyncio.sleep(LOOK_AGAIN)
    await bring(world)
    assert said(world, "ConfigurationReady") == ("True", "ConfigurationReady")
    assert world.condition("Stalled", "Environment", "web", MADE) == ("", "")


async def test_kapsas_own_secrets_are_given_to_nobody(world: World) -> None:
    own = source(CANARY)
    own["metadata"]["labels"] = dict(labels.MANAGED)
    world.cluster.put(own)
    await bring(world, preview())
    assert said(world, "ConfigurationReady") == ("False", "SourceNotAllowed")
    assert not world.cluster.has("Secret", COPY, MADE)


async def test_an_environment_that_is_not_believed_reads_no_secret(world: World) -> None:
    elsewhere = preview(namespace="team-b")
    await bring(world, elsewhere, namespace="team-b")
    assert said(world, "Ready", "team-b") == ("False", "ProjectMismatch")
    assert [read for read in world.cluster.reads if "Secret" in read] == []


async def test_a_suspended_one_is_told_of_and_left_alone(world: World) -> None:
    await bring(world, preview())
    world.written()
    world.cluster.put(source(OTHER))
    await asyncio.sleep(LOOK_AGAIN)
    assert await bring(world, preview(suspend=True)) is None
    assert [verb for verb in world.written() if not verb.startswith("status")] == []


async def test_a_certificate_of_ones_own_is_copied_with_its_type(world: World) -> None:
    certificate = secret("own", "team-a", **{"tls.crt": "Y3J0", "tls.key": "a2V5", "more": "eA=="})
    certificate["type"] = "kubernetes.io/tls"
    world.cluster.put(pool_manifest(), certificate)
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": "web"}
    ingress = {"tls": {"secretName": "own"}}
    await bring(world, preview(runtime={}, domain=domain, ingress=ingress))
    (copy,) = (item for key, item in world.cluster.objects.items() if key[:2] == ("Secret", MADE))
    assert copy["type"] == "kubernetes.io/tls"
    assert copy["data"] == {"tls.crt": "Y3J0", "tls.key": "a2V5"}


async def test_no_value_is_kept_or_shows_anywhere(world: World, logs: Logs) -> None:
    await bring(world, preview())
    world.cluster.put(source(OTHER))
    await asyncio.sleep(LOOK_AGAIN)
    await bring(world)
    world.cluster.put(source(CANARY))
    await asyncio.sleep(LOOK_AGAIN)
    await bring(world)
    elsewhere = [item for key, item in world.cluster.objects.items() if key[0] != "Secret"]
    kept = [list(cache) for cache in world.state.all]
    metadata = world.cluster.live("Secret", COPY, MADE)["metadata"]
    shown = repr((elsewhere, kept, metadata, logs)) + json.dumps(elsewhere)
    assert CANARY not in shown
    assert PLAIN not in shown
