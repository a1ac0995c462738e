"""The sweep: what deleted objects left, and never anything else."""

import copy
from dataclasses import replace

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.core.manifests.namespace import namespace
from tests.builders import environment_manifest, project, project_manifest
from tests.unit.controllers.world import NAMESPACE, World, ingress

HOST = "web.apps.example.com"


@pytest.fixture
async def world() -> World:
    return World()


async def sweep(world: World) -> list[float | None]:
    """Look at all, and reconcile what the queue has."""
    world.sweeper.look_at_all()
    keys = list(world.leftovers._due)
    world.leftovers._due.clear()
    return [await world.sweeper.reconcile(key) for key in keys]


def made_namespace() -> Manifest:
    return namespace(project("shop"))


async def test_the_namespace_of_a_project_that_is_gone_is_deleted_by_its_uid(world: World) -> None:
    live = world.cluster.put(made_namespace())
    await sweep(world)
    (write,) = world.cluster.writes
    assert (write.verb, write.uid) == ("delete", live["metadata"]["uid"])


async def test_the_namespace_of_a_project_of_another_uid_is_deleted(world: World) -> None:
    world.cluster.put(made_namespace(), project_manifest("shop", metadata={"uid": "second"}))
    await sweep(world)
    assert [write.verb for write in world.cluster.writes] == ["delete"]


async def test_what_is_alive_is_not_looked_at(world: World) -> None:
    world.cluster.put(made_namespace(), project_manifest("shop"), environment_manifest("web"))
    world.hold(HOST, holder="web", holder_uid="uid-environment-team-a-web")
    assert await sweep(world) == []
    assert world.cluster.reads == []


async def test_what_only_the_cache_does_not_know_is_left_alone(world: World) -> None:
    world.cluster.watch_is_late = True
    world.cluster.put(made_namespace(), project_manifest("shop"))
    world.state.namespaces.observe(None, world.cluster.put(made_namespace()))
    assert await sweep(world) == [None]
    assert world.cluster.reads == ["get Project shop"]
    assert world.written() == []


@pytest.mark.parametrize(
    "error",
    [Waiting("ApiServerUnavailable", "500"), Stalled("ApplyRefused", "forbidden")],
    ids=["unreachable", "refused"],
)
async def test_an_error_deletes_nothing(world: World, error: Exception) -> None:
    world.cluster.put(made_namespace())
    world.hold(HOST)
    world.cluster.fail(error, "get", times=2)
    for key in (("Namespace", ("", made_namespace()["metadata"]["name"])),):
        with pytest.raises(type(error)):
            await world.sweeper.reconcile(key)
    assert world.written() == []


async def test_an_owner_annotation_that_was_tampered_with_deletes_nothing(world: World) -> None:
    manifest = made_namespace()
    world.cluster.put(project_manifest("shop"))
    manifest["metadata"]["annotations"]["kapsa-project.io/owner"] = "Project/x/y"
    world.cluster.put(manifest)
    await world.sweeper.reconcile(("Namespace", ("", manifest["metadata"]["name"])))
    assert world.written() == []


@pytest.mark.parametrize("owner", ["", "Database/x/y", "Deployment/team-a/web", "Project//"])
async def test_owners_of_unknown_kinds_are_nobodys_to_judge(world: World, owner: str) -> None:
    manifest = copy.deepcopy(made_namespace())
    manifest["metadata"]["annotations"]["kapsa-project.io/owner"] = owner
    world.cluster.put(manifest)
    await sweep(world)
    assert world.written() == []


def retained(namespace: str) -> Manifest:
    """Return a volume that outlives its Environment."""
    labels = {"app.kubernetes.io/managed-by": "kapsa", "kapsa-project.io/retain": "true"}
    metadata = {"name": "data", "namespace": namespace, "labels": labels}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}


async def test_a_namespace_with_a_retained_volume_loses_the_environments_of_its_owner_alone(
    world: World,
) -> None:
    made = made_namespace()["metadata"]["name"]
    world.cluster.put(
        made_namespace(),
        retained(made),
        environment_manifest("web", of=project("shop"), namespace=made),
        environment_manifest("worker", namespace=made),
    )
    await sweep(world)
    assert world.written() == [f"delete Environment {made}/web"]
    await sweep(world)
    assert world.written() == []


async def test_each_namespace_of_a_project_that_is_gone_goes(world: World) -> None:
    apart = project("shop", isolation="Environment")
    world.cluster.put(*(namespace(apart, f"shop-{slug}") for slug in ("a", "b")))
    await sweep(world)
    assert [write.verb for write in world.cluster.writes] == ["delete", "delete"]


def own_namespace(name: str) -> Manifest:
    """Return a namespace that was made for an Environment which stands alone in it."""
    labels = {
        "app.kubernetes.io/managed-by": "kapsa",
        "kapsa-project.io/owner-uid": f"uid-environment-{name}-web",
    }
    annotations = {"kapsa-project.io/owner": f"Environment/{name}/web"}
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


async def test_the_namespace_of_an_environment_that_stood_alone_in_it_goes_after_it(
    world: World,
) -> None:
    world.cluster.put(own_namespace("mine"), environment_manifest("web", namespace="mine"))
    assert await sweep(world) == []
    world.cluster.remove("Environment", "web", "mine")
    await sweep(world)
    assert world.written() == ["delete Namespace mine"]
    assert "get Environment web" in world.cluster.reads


async def test_the_namespace_of_an_environment_that_is_alive_stays(world: World) -> None:
    live = world.cluster.put(own_namespace("mine"))
    world.cluster.watch_is_late = True
    world.cluster.put(environment_manifest("web", namespace="mine"))
    world.state.namespaces.observe(None, live)
    await sweep(world)
    assert world.written() == []


async def test_a_namespace_that_kapsa_did_not_make_is_never_looked_at(world: World) -> None:
    world.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
    assert await sweep(world) == []


async def test_what_is_being_deleted_is_left_to_go(world: World) -> None:
    manifest = made_namespace()
    manifest["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    world.cluster.put(manifest)
    await sweep(world)
    assert world.written() == []


async def test_a_claim_goes_after_its_routes(world: World) -> None:
    world.hold(HOST, holder="gone")
    reference = {"kind": "Environment", "uid": "uid-of-gone", "controller": True}
    labels = {"app.kubernetes.io/managed-by": "kapsa"}
    world.cluster.put(ingress("gone", HOST, ownerReferences=[reference], labels=labels))
    assert await sweep(world) == [1.0]
    assert world.written() == []
    world.cluster.remove("Ingress", "gone", "team-b")
    assert await sweep(world) == [None]
    assert [verb.split("/")[0] for verb in world.written()] == [f"delete Lease {NAMESPACE}"]


async def test_a_claim_goes_after_its_route_at_a_gateway(world: World) -> None:
    world.hold(HOST, holder="gone")
    reference = {"kind": "Environment", "uid": "uid-of-gone", "controller": True}
    world.cluster.put(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "gone", "namespace": "team-b", "ownerReferences": [reference]},
            "spec": {"hostnames": [HOST]},
        }
    )
    assert await sweep(world) == [1.0]
    assert world.written() == []
    world.cluster.remove("HTTPRoute", "gone", "team-b")
    assert await sweep(world) == [None]
    assert [verb.split("/")[0] for verb in world.written()] == [f"delete Lease {NAMESPACE}"]


async def test_a_claim_stays_while_its_environment_is_still_being_reconciled(
    world: World,
) -> None:
    world.hold(HOST, holder="gone")
    busy = {("team-b", "gone")}
    world.sweeper = replace(world.sweeper, is_busy=busy.__contains__)
    assert await sweep(world) == [1.0]
    assert world.written() == []
    busy.clear()
    assert await sweep(world) == [None]
    assert len(world.written()) == 1


async def test_a_strangers_route_does_not_keep_a_claim(world: World) -> None:
    world.hold(HOST, holder="gone")
    world.cluster.put(ingress("theirs", HOST))
    assert await sweep(world) == [None]
    assert len(world.written()) == 1


async def test_the_claim_of_a_project_that_is_gone_is_deleted(world: World) -> None:
    world.hold("shop.apps.example.com", kind="subdomain", holder="gone")
    await sweep(world)
    assert len(world.written()) == 1


async def test_a_claim_in_a_tenants_namespace_is_not_ours_to_sweep(world: World) -> None:
    world.hold(HOST, holder="gone", namespace="team-a")
    assert await sweep(world) == []


async def test_what_an_object_has_left_is_found_by_its_uid(world: World) -> None:
    world.hold(HOST, holder="gone")
    world.hold("b.apps.example.com", holder="another")
    world.sweeper.look_at_owned_by("uid-of-gone")
    assert len(world.leftovers) == 1


async def test_what_is_gone_already_is_done(world: World) -> None:
    assert await world.sweeper.reconcile(("Lease", (NAMESPACE, "gone"))) is None
    assert world.cluster.reads == []
