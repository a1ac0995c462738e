"""Which change puts which key into which queue."""

from typing import Any

import pytest

from kapsa.cli.previews.objects import namespace as own_namespace
from kapsa.controllers.reconciling.cache import Key
from kapsa.controllers.reconciling.queue import Queue
from kapsa.controllers.triggers import Triggers
from kapsa.core.environments.own_namespace import own_place
from kapsa.core.manifests.namespace import namespace
from kapsa.core.places import place_of
from kapsa.core.projects.furnishings import NamespaceRules, furnishings
from kapsa.models.environment import Environment
from tests.builders import (
    deployment_manifest,
    environment_manifest,
    pool_manifest,
    project,
    project_manifest,
    ready,
    registry_manifest,
)
from tests.unit.controllers.world import NAMESPACE, World, ingress

SHOP = project("shop")
DOMAIN = {"domainPoolRef": {"name": "apps"}}


class Rig(World):
    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[str, Queue[Key]] = {
            name: Queue(name) for name in ("projects", "environments", "domain_pools", "registries")
        }
        self.active = True
        self.triggers = Triggers(
            state=self.state,
            sweeper=self.sweeper,
            images=self.images,
            is_active=lambda: self.active,
            **self.queues,
        )
        self.triggers.subscribe()

    def queued(self) -> set[str]:
        """Return what was queued since this was asked last."""
        found = {
            f"{name}: {'/'.join(filter(None, key))}"
            for name, queue in self.queues.items()
            for key in queue._due
        }
        found |= {f"leftovers: {kind}" for kind, _ in self.leftovers._due}
        for queue in self.queues.values():
            queue._due.clear()
        self.leftovers._due.clear()
        return found

    def edit(self, kind: str, name: str, namespace: str = "", **changes: Any) -> set[str]:
        self.queued()
        self.cluster.put(self.cluster.live(kind, name, namespace) | changes)
        return self.queued()


@pytest.fixture
async def rig() -> Rig:
    made = Rig()
    made.cluster.put(
        project_manifest("shop", domain=DOMAIN, registry={"name": "harbor"}),
        environment_manifest("web", of=SHOP, domain=DOMAIN),
        environment_manifest("alone"),
        pool_manifest("apps"),
        registry_manifest("harbor"),
        deployment_manifest("web"),
        namespace(SHOP),
    )
    made.queued()
    return made


async def test_what_its_objects_go_through_is_gathered_for_a_moment(rig: Rig) -> None:
    for count in (0, 1):
        live = rig.cluster.live("Deployment", "web", "team-a")
        rig.cluster.put(live | {"status": {"replicas": count}})
    environments = rig.queues["environments"]
    assert len(environments) == 1
    assert environments.is_idle()
    rig.edit("Environment", "web", "team-a", spec={"suspend": True})
    rig.cluster.put(rig.cluster.live("Environment", "web", "team-a") | {"spec": {}})
    assert not environments.is_idle()


async def test_a_claim_that_is_retained_wakes_the_environment_that_it_is_for(rig: Rig) -> None:
    rig.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "alone-data",
                "namespace": "team-a",
                "labels": {"app.kubernetes.io/managed-by": "kapsa"},
                "annotations": {"kapsa-project.io/owner": "Environment/team-a/alone"},
            },
        }
    )
    assert rig.queued() == {"environments: team-a/alone"}
    assert rig.edit("PersistentVolumeClaim", "alone-data", "team-a", metadata={
        "name": "alone-data", "namespace": "team-a",
    }) == {"environments: team-a/alone"}  # fmt: skip


async def test_a_spec_puts_its_object_and_what_depends_on_it(rig: Rig) -> None:
    live = rig.cluster.live("Project", "shop", "team-a")
    changed = live["spec"] | {"suspend": True}
    assert rig.edit("Project", "shop", "team-a", spec=changed) == {
        "projects: team-a/shop",
        "environments: team-a/web",
    }
    live = rig.cluster.live("Environment", "web", "team-a")
    changed = live["spec"] | {"suspend": True}
    assert rig.edit("Environment", "web", "team-a", spec=changed) == {
        "environments: team-a/web",
        "projects: team-a/shop",
    }


async def test_a_status_is_kapsas_own_doing(rig: Rig) -> None:
    assert rig.edit("Project", "shop", "team-a", status=ready()) == set()
    assert rig.edit("Environment", "alone", "team-a", status=ready()) == set()
    assert rig.edit("DomainPool", "apps", status=ready()) == set()
    assert rig.edit("Registry", "harbor", status=ready()) == set()


async def test_the_status_of_an_environment_is_news_for_its_project(rig: Rig) -> None:
    assert rig.edit("Environment", "web", "team-a", status=ready()) == {"projects: team-a/shop"}


async def test_an_annotation_is_a_request(rig: Rig) -> None:
    live = rig.cluster.live("Project", "shop", "team-a")
    live["metadata"]["annotations"] = {"kapsa-project.io/requestedAt": "now"}
    assert rig.edit("Project", "shop", "team-a", metadata=live["metadata"]) == {
        "projects: team-a/shop"
    }


async def test_a_child_puts_its_environment(rig: Rig) -> None:
    assert rig.edit("Deployment", "web", "team-a", status={}) == {"environments: team-a/web"}
    rig.cluster.remove("Deployment", "web", "team-a")
    assert rig.queued() == {"environments: team-a/web"}


async def test_what_a_namespace_is_furnished_with_puts_its_project(rig: Rig) -> None:
    place = place_of(SHOP, uid="uid-of-the-namespace")
    for manifest in furnishings(place, NamespaceRules(), None):
        key = (manifest["kind"], manifest["metadata"]["name"], place.namespace)
        rig.cluster.put(manifest)
        assert rig.queued() == {"projects: team-a/shop"}
        bare = {**manifest["metadata"], "labels": {"app.kubernetes.io/managed-by": "kapsa"}}
        assert rig.edit(*key, metadata=bare) == {"projects: team-a/shop"}
        rig.cluster.put(manifest)
        rig.queued()
        rig.cluster.remove(*key)
        assert rig.queued() == {"projects: team-a/shop"}


async def test_what_an_own_namespace_is_furnished_with_puts_its_environment(rig: Rig) -> None:
    live = own_namespace("mine", "web", "uid-environment-mine-web")
    lone = environment_manifest("web", namespace="mine")
    place = own_place(Environment.model_validate(lone), live)
    assert place is not None
    rig.cluster.put(lone)
    rig.queued()
    for manifest in furnishings(place, NamespaceRules(), None):
        rig.cluster.put(manifest)
        assert rig.queued() == {"environments: mine/web"}
        rig.cluster.remove(manifest["kind"], manifest["metadata"]["name"], "mine")
        assert rig.queued() == {"environments: mine/web"}


async def test_a_namespace_puts_the_environments_in_it(rig: Rig) -> None:
    made = namespace(SHOP)
    name = made["metadata"]["name"]
    rig.cluster.put(environment_manifest("web", of=SHOP, namespace=name))
    rig.queued()
    bare = {**made["metadata"], "labels": {}}
    assert rig.edit("Namespace", name, metadata=bare) == {
        "projects: team-a/shop",
        f"environments: {name}/web",
    }


async def test_the_end_of_a_former_projects_namespace_puts_the_one_that_waits(rig: Rig) -> None:
    former = namespace(project("shop", metadata={"uid": "former"}))
    former["metadata"]["name"] = "kapsa-former"
    rig.cluster.put(former)
    rig.queued()
    rig.cluster.remove("Namespace", "kapsa-former")
    assert rig.queued() == {"projects: team-a/shop"}


async def test_what_an_autoscaler_measures_is_no_news(rig: Rig) -> None:
    metadata = deployment_manifest("web")["metadata"]
    rig.cluster.put(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": {"maxReplicas": 5},
        }
    )
    assert rig.queued() == {"environments: team-a/web"}
    scaled = ("HorizontalPodAutoscaler", "web", "team-a")
    assert rig.edit(*scaled, status={"currentReplicas": 3}) == set()
    assert rig.edit(*scaled, spec={"maxReplicas": 9}) == {"environments: team-a/web"}


async def test_a_pool_puts_who_names_it(rig: Rig) -> None:
    rig.cluster.remove("DomainPool", "apps")
    expected = {"domain_pools: apps", "projects: team-a/shop", "environments: team-a/web"}
    assert rig.queued() == expected
    rig.cluster.put(pool_manifest("apps"))
    assert rig.queued() == expected


async def test_a_registry_puts_who_names_it_and_forgets_what_was_asked_in_vain(rig: Rig) -> None:
    await rig.images.resolve("registry.example.com/acme/shop:x", None)
    rig.cluster.remove("Registry", "harbor")
    assert rig.queued() == {"registries: harbor", "projects: team-a/shop"}
    await rig.images.resolve("registry.example.com/acme/shop:x", None)
    assert rig.outside.asked == ["image registry.example.com/acme/shop:x"] * 2


async def test_a_namespace_puts_its_project_or_the_sweep(rig: Rig) -> None:
    name = namespace(SHOP)["metadata"]["name"]
    rig.cluster.remove("Namespace", name)
    assert rig.queued() == {"projects: team-a/shop"}
    rig.cluster.put(namespace(project("gone")))
    assert rig.queued() == {"leftovers: Namespace"}


async def test_a_deleted_object_has_its_left_overs_swept(rig: Rig) -> None:
    rig.hold("shop.apps.example.com", kind="subdomain", holder="shop", holder_uid=SHOP.metadata.uid)
    rig.queued()
    rig.cluster.remove("Project", "shop", "team-a")
    assert rig.queued() == {
        "projects: team-a/shop",
        "environments: team-a/web",
        "leftovers: Namespace",
        "leftovers: Lease",
    }


async def test_a_claim_that_goes_is_claimed_anew_by_who_lives(rig: Rig) -> None:
    uid = rig.cluster.live("Environment", "web", "team-a")["metadata"]["uid"]
    lease = rig.hold("a.example.com", holder="web", holder_uid=uid)
    assert rig.queued() == {"domain_pools: apps"}
    rig.cluster.remove("Lease", lease["metadata"]["name"], NAMESPACE)
    assert rig.queued() == {"environments: team-a/web", "domain_pools: apps"}
    rig.hold("b.example.com", holder="gone")
    assert rig.queued() == {"leftovers: Lease", "domain_pools: apps"}


async def test_an_environment_that_names_its_project_wrongly_puts_no_stranger(rig: Rig) -> None:
    live = rig.cluster.live("Environment", "alone", "team-a")
    live["spec"]["projectRef"] = {"uid": SHOP.metadata.uid}
    assert "projects: team-a/shop" in rig.edit("Environment", "alone", "team-a", spec=live["spec"])


async def test_everything_is_looked_at_at_the_start(rig: Rig) -> None:
    rig.triggers.everything()
    assert rig.queued() == {
        "projects: team-a/shop",
        "environments: team-a/web",
        "environments: team-a/alone",
        "domain_pools: apps",
        "registries: harbor",
    }


async def test_a_standby_gathers_nothing(rig: Rig) -> None:
    rig.active = False
    for number in range(100):
        rig.cluster.put(environment_manifest(f"pr-{number}", of=SHOP))
        rig.cluster.remove("Environment", f"pr-{number}", "team-a")
    assert rig.queued() == set()


async def test_who_wants_a_host_looks_again_when_its_claim_is_released(rig: Rig) -> None:
    lease = rig.hold("shop.example.com", holder="theirs", pool="")
    rig.cluster.put(
        environment_manifest("web", ingress={"host": "shop.example.com"}),
        environment_manifest("other", ingress={"host": "other.example.com"}),
    )
    rig.queued()
    rig.cluster.remove("Lease", lease["metadata"]["name"], NAMESPACE)
    assert rig.queued() == {"environments: team-a/web", "domain_pools: apps"}


async def test_who_wants_a_host_looks_again_when_a_route_leads_it_no_more(rig: Rig) -> None:
    rig.cluster.put(
        ingress("theirs", "shop.example.com"),
        environment_manifest("web", ingress={"host": "shop.example.com"}),
    )
    assert rig.edit("Ingress", "theirs", "team-b", spec={"rules": [{"host": "a.example.com"}]}) == {
        "environments: team-a/web"
    }
    rig.cluster.remove("Ingress", "theirs", "team-b")
    assert rig.queued() == set()
