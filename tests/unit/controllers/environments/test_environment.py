"""The Environment's controller: gather, plan, apply, report, against a fake cluster."""

import pytest

from kapsa.adapters.cluster import Manifest, NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.core.conditions import Blocked
from kapsa.core.manifests.namespace import namespace
from kapsa.core.projects.namespaces import environment_namespace
from tests.builders import (
    environment_manifest,
    pool_manifest,
    project,
    project_manifest,
    sha,
)
from tests.unit.controllers.environment_rig import (
    DOMAIN,
    HOST,
    KEY,
    ready,
    reconcile,
    roll_out,
    web,
)
from tests.unit.controllers.world import IMAGE, NAMESPACE, World


@pytest.fixture
async def world() -> World:
    return World()


async def test_it_becomes_a_deployment_a_service_and_a_status(world: World) -> None:
    assert await reconcile(world, web()) is None
    assert world.written() == [
        "apply Deployment team-a/web",
        "apply Service team-a/web",
        "status Environment team-a/web",
    ]
    assert world.status("Environment", "web", "team-a")["phase"] == "Deploying"


async def test_it_is_ready_when_its_pods_are_and_then_quiet(world: World) -> None:
    await reconcile(world, web())
    roll_out(world)
    await world.environments.reconcile(KEY)
    assert ready(world) == ("True", "Ready")
    assert world.status("Environment", "web", "team-a")["commit"] == sha("a")
    world.written()
    for _ in range(3):
        assert await world.environments.reconcile(KEY) is None
    assert world.written() == []


async def test_an_autoscaler_comes_is_left_in_peace_and_goes(world: World) -> None:
    scaled = {"replicas": 2, "autoscaling": {"enabled": True}}
    await reconcile(world, web(runtime=scaled))
    assert "apply HorizontalPodAutoscaler team-a/web" in world.written()
    live = world.cluster.live("Deployment", "web", "team-a")
    live["spec"]["replicas"] = 4
    world.cluster.put(live)
    await world.environments.reconcile(KEY)
    assert world.written() == []
    environment = world.cluster.live("Environment", "web", "team-a")
    environment["spec"]["runtime"] = {"replicas": 2}
    await reconcile(world, environment)
    assert world.written()[:4] == [
        "apply Deployment team-a/web",
        "apply PodDisruptionBudget team-a/web",
        "delete HorizontalPodAutoscaler team-a/web",
        "status Environment team-a/web",
    ]
    assert world.cluster.live("Deployment", "web", "team-a")["spec"]["replicas"] == 2


async def test_reconcile_waits_for_image_without_pruning(world: World) -> None:
    await reconcile(world, web())
    roll_out(world)
    await world.environments.reconcile(KEY)
    live = world.cluster.live("Environment", "web", "team-a")
    del live["spec"]["image"]
    live["spec"]["commit"] = sha("b")
    world.images.note(KEY, Blocked("ImageNotFound", "not yet", retry_after=10.0))
    world.written()
    assert await reconcile(world, live) == 10.0
    assert world.written() == ["status Environment team-a/web"]
    assert world.cluster.has("Deployment", "web", "team-a")
    assert ready(world) == ("False", "ImageNotFound")
    assert world.status("Environment", "web", "team-a")["phase"] == "Building"


async def test_suspended_nothing_is_made_changed_or_deleted(world: World) -> None:
    world.cluster.put(pool_manifest())
    assert await reconcile(world, web(suspend=True, domain=DOMAIN)) is None
    assert world.written() == ["status Environment team-a/web"]
    live = world.cluster.live("Environment", "web", "team-a")
    live["spec"]["suspend"] = False
    await reconcile(world, live)
    live = world.cluster.live("Environment", "web", "team-a")
    live["spec"] |= {"suspend": True, "image": IMAGE.replace("ab", "cd")}
    del live["spec"]["domain"]
    world.written()
    await reconcile(world, live)
    assert world.written() == ["status Environment team-a/web"]
    assert world.cluster.has("Ingress", "web", "team-a")


async def test_a_suspended_project_suspends_its_environments(world: World) -> None:
    shop = project("shop")
    world.cluster.put(project_manifest("shop", suspend=True))
    await reconcile(world, web(of=shop))
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world)[1] == "Suspended"


async def test_an_object_that_breaks_the_rules_is_told_and_nothing_else(world: World) -> None:
    await reconcile(world, web())
    broken = world.cluster.live("Environment", "web", "team-a")
    broken["spec"]["type"] = "imaginary"
    world.written()
    assert await reconcile(world, broken) is None
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world) == ("False", "InvalidSpec")
    assert world.cluster.has("Deployment", "web", "team-a")
    await world.environments.reconcile(KEY)
    assert world.written() == [], "once"


async def test_a_project_that_is_not_there_is_not_believed(world: World) -> None:
    assert await reconcile(world, web(of=project("shop"))) == 3600.0
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world) == ("False", "ProjectNotFound")


async def test_nobody_joins_a_project_from_a_namespace_that_is_not_its_own(world: World) -> None:
    world.cluster.put(project_manifest("shop", namespace="team-b"))
    await reconcile(world, web(of=project("shop", namespace="team-b")))
    assert world.written() == ["status Environment team-a/web"]
    assert ready(world) == ("False", "ProjectMismatch")


async def test_in_a_namespace_made_for_the_project_it_is_believed(world: World) -> None:
    shop = project("shop")
    home = environment_namespace(shop, "web")
    world.cluster.put(project_manifest("shop"), namespace(shop))
    world.cluster.put(web(of=shop, namespace=home))
    await world.environments.reconcile((home, "web"))
    assert world.cluster.has("Deployment", "web", home)


@pytest.mark.parametrize("name", ["web", "worker"])
async def test_in_a_namespace_made_for_one_environment_no_other_is_believed(
    world: World, name: str
) -> None:
    shop = project("shop", isolation="Environment")
    home = environment_namespace(shop, "web")
    world.cluster.put(project_manifest("shop", isolation="Environment"), namespace(shop, "web"))
    world.cluster.put(environment_manifest(name, of=shop, namespace=home, image=IMAGE))
    await world.environments.reconcile((home, name))
    assert world.cluster.has("Deployment", name, home) == (name == "web")


@pytest.mark.parametrize(
    ("isolation", "in_its_own", "account"),
    [("Project", False, "kapsa-shop"), ("Shared", True, "kapsa-shop"), ("Project", True, None)],
    ids=["in-a-made-namespace", "in-a-shared-one", "beside-a-project-that-has-a-made-one"],
)
async def test_pods_run_as_the_service_account_that_is_made_where_they_are(
    world: World, isolation: str, in_its_own: bool, account: str | None
) -> None:
    shop = project("shop", isolation=isolation)
    home = "team-a" if in_its_own else environment_namespace(shop, "web")
    world.cluster.put(project_manifest("shop", isolation=isolation), namespace(project("shop")))
    world.cluster.put(web(of=shop, namespace=home))
    await world.environments.reconcile((home, "web"))
    pods = world.cluster.live("Deployment", "web", home)["spec"]["template"]["spec"]
    assert pods.get("serviceAccountName") == account


async def test_one_object_that_is_refused_is_said_and_the_others_are_kept(world: World) -> None:
    world.cluster.fail(Stalled("ApplyRefused", "quota exceeded"), "apply", "Service")
    assert await reconcile(world, web()) == 3600.0
    assert ready(world) == ("False", "ApplyRefused")
    assert world.cluster.has("Deployment", "web", "team-a")


async def test_what_the_server_can_not_take_now_is_tried_again_soon(world: World) -> None:
    world.cluster.fail(Waiting("NamespaceTerminating", "being terminated", 2.0), "apply")
    assert await reconcile(world, web()) == 2.0


async def test_leadership_lost_in_the_middle_writes_nothing_more(world: World) -> None:
    def fence() -> None:
        if any(write.kind == "Deployment" for write in world.cluster.writes):
            raise NotFenced("the Lease was lost")

    world.cluster._fence = fence
    with pytest.raises(NotFenced):
        await reconcile(world, web())
    assert world.written() == ["apply Deployment team-a/web"]


async def test_killed_after_any_write_and_started_again_it_ends_the_same(world: World) -> None:
    class Killed(BaseException):
        pass

    world.cluster.put(pool_manifest(), web(domain=DOMAIN))
    for write in range(1, 20):
        again = World()
        again.cluster.put(pool_manifest(), web(domain=DOMAIN))
        again.cluster.fail(Killed(), skip=write, late=True)  # type: ignore[arg-type]
        try:
            await again.environments.reconcile(KEY)
        except Killed:
            again.cluster.faults.clear()
        fresh = World()
        fresh.cluster.__dict__.update(again.cluster.__dict__, faults=[], _caches=[])
        fresh.cluster.feed(*fresh.state.all)
        await fresh.environments.reconcile(KEY)
        await fresh.environments.reconcile(KEY)
        fresh.written()
        await fresh.environments.reconcile(KEY)
        assert fresh.written() == []
        kinds = sorted(key[0] for key in fresh.cluster.objects)
        expected = ["Deployment", "DomainPool", "Environment", "Ingress", "Lease", "Service"]
        assert kinds == expected
        assert fresh.status("Environment", "web", "team-a")["host"] == HOST


async def test_deleted_while_it_is_applied_it_leaves_only_what_is_collected(world: World) -> None:
    world.cluster.put(pool_manifest(), web(domain=DOMAIN))
    original = world.cluster.admission

    def deleted_meanwhile(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Service":
            world.cluster.remove("Environment", "web", "team-a")
        return original(manifest)

    world.cluster.admission = deleted_meanwhile
    with pytest.raises(Waiting):
        await world.environments.reconcile(KEY)
    assert not world.cluster.has("Environment", "web", "team-a")
    assert await world.environments.reconcile(KEY) is None
    for key, live in world.cluster.objects.items():
        if key[0] in ("Deployment", "Service", "Ingress"):
            assert live["metadata"]["ownerReferences"], "Kubernetes collects it"
    world.cluster.objects = {k: v for k, v in world.cluster.objects.items() if k[0] != "Ingress"}
    for manifest in list(world.state.ingresses):
        world.state.ingresses.observe("DELETED", manifest)
    world.sweeper.look_at_all()
    for sweep_key in list(world.leftovers._due):
        await world.sweeper.reconcile(sweep_key)
    assert not any(key[:2] == ("Lease", NAMESPACE) for key in world.cluster.objects)


async def test_a_tenants_object_with_its_uid_says_nothing_about_it(world: World) -> None:
    await reconcile(world, web())
    fake = world.cluster.live("Deployment", "web", "team-a")
    fake["metadata"] = {
        **fake["metadata"],
        "namespace": "team-b",
        "uid": "fake",
        "resourceVersion": "1",
    }
    fake["spec"]["replicas"] = 1
    fake["status"] = {"observedGeneration": 9, "replicas": 1, "updatedReplicas": 1,
                      "availableReplicas": 1}  # fmt: skip
    world.cluster.put(fake)
    await world.environments.reconcile(KEY)
    assert ready(world) == ("False", "WorkloadProgressing")


async def test_what_is_gone_is_forgotten_and_what_is_going_is_left(world: World) -> None:
    world.images.note(KEY, Blocked("ImageNotFound", "not yet"))
    assert await world.environments.reconcile(KEY) is None
    assert world.images.obstacle(KEY) is None
    going = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert await reconcile(world, web(metadata=going)) is None
    assert world.written() == []
