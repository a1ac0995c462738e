"""The caches of all kinds: what they keep, and how it is found."""

from typing import Any

import pytest
from pydantic import ValidationError

from kapsa.controllers.indexes import HOST, OWNER, POOL, PROJECT, REFERENCE, UID
from kapsa.controllers.state import (
    State,
    parse,
    parse_all,
    trim_http_route,
    trim_ingress,
    without_status,
)
from kapsa.models import Environment
from tests.builders import (
    deployment_manifest,
    environment_manifest,
    project,
    project_manifest,
    uid,
)
from tests.unit.controllers.world import World, ingress

DOMAIN = {"domainPoolRef": {"name": "apps"}}


@pytest.fixture
async def world() -> World:
    return World()


def found(state: State, index: str, value: str) -> list[str]:
    return [
        f"{manifest['kind']}/{manifest['metadata']['name']}"
        for cache in state.all
        if index in cache._indexes
        for manifest in cache.find(index, value)
    ]


async def test_objects_are_found_by_what_they_name(world: World) -> None:
    shop = project("shop")
    world.cluster.put(
        project_manifest("shop", domain=DOMAIN, registry={"name": "harbor"}),
        environment_manifest("web", of=shop, domain=DOMAIN),
        environment_manifest("alone"),
        deployment_manifest("web"),
    )
    world.hold("a.apps.example.com", holder="web")
    state = world.state
    assert found(state, UID, shop.metadata.uid) == ["Project/shop"]
    assert found(state, PROJECT, shop.metadata.uid) == ["Environment/web"]
    assert found(state, REFERENCE, "domainpool/apps") == ["Project/shop", "Environment/web"]
    assert found(state, REFERENCE, "registry/harbor") == ["Project/shop"]
    assert found(state, OWNER, uid("Environment", "web", "team-a")) == ["Deployment/web"]
    assert len(found(state, OWNER, "uid-of-web")) == 1
    assert len(found(state, HOST, "a.apps.example.com")) == 1
    assert len(found(state, POOL, "apps")) == 1
    assert state.is_known(shop.metadata.uid)
    assert not state.is_known("nobody")
    assert not state.is_known("")


async def test_every_kind_has_its_cache(world: World) -> None:
    assert len({cache.resource.kind for cache in world.state.all}) == len(world.state.all)
    for cache in world.state.all:
        assert world.state.by_kind(cache.resource.kind) is cache
    assert [cache.resource.kind for cache in world.state.children] == [
        "Deployment",
        "Service",
        "Ingress",
        "HTTPRoute",
        "HorizontalPodAutoscaler",
        "Job",
        "CronJob",
        "PodDisruptionBudget",
        "PersistentVolumeClaim",
        "ConfigMap",
        "Secret",
        "Certificate",
    ]


def test_a_foreign_ingress_is_kept_as_its_hosts() -> None:
    foreign = ingress("theirs", "a.example.com", annotations={"big": "x" * 1000}, uid="u")
    foreign["spec"]["tls"] = [{"hosts": ["a.example.com"]}]
    foreign["spec"]["rules"] += [{"http": {}}, {"host": "a.example.com"}]
    foreign["status"] = {"loadBalancer": {}}
    assert trim_ingress(foreign) == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "theirs", "namespace": "team-b", "uid": "u"},
        "spec": {"rules": [{"host": "a.example.com"}]},
    }


def test_an_autoscaler_is_kept_without_what_it_measures() -> None:
    metadata = {"name": "web", "managedFields": [{}]}
    assert without_status({"metadata": metadata, "spec": {}, "status": {"currentReplicas": 3}}) == {
        "metadata": {"name": "web"},
        "spec": {},
    }


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
async def test_the_content_of_a_secret_is_not_kept(world: World, kind: str) -> None:
    labels = {"app.kubernetes.io/managed-by": "kapsa"}
    last = {"kubectl.kubernetes.io/last-applied-configuration": "canary"}
    metadata = {"name": "copy", "namespace": "team-a", "labels": labels, "annotations": last}
    world.cluster.put({"kind": kind, "metadata": metadata, "data": {"password": "canary"}})
    kept = world.state.by_kind(kind).get("team-a", "copy")
    assert kept is not None
    assert list(kept["data"]) == ["password"]
    assert "canary" not in str(kept)


def test_a_foreign_http_route_is_kept_as_its_hosts() -> None:
    foreign = {
        "kind": "HTTPRoute",
        "metadata": {"name": "theirs", "namespace": "team-b", "uid": "u", "annotations": {"a": ""}},
        "spec": {"hostnames": ["a.example.com"], "rules": [{}]},
        "status": {"parents": []},
    }
    assert trim_http_route(foreign) == {
        "kind": "HTTPRoute",
        "metadata": {"name": "theirs", "namespace": "team-b", "uid": "u"},
        "spec": {"hostnames": ["a.example.com"]},
    }


def test_an_http_route_of_kapsas_keeps_what_the_gateways_say_of_it() -> None:
    ours = {
        "metadata": {"name": "web", "labels": {"app.kubernetes.io/managed-by": "kapsa"}},
        "spec": {"hostnames": ["a.example.com"], "rules": [{}]},
        "status": {"parents": [{}]},
    }
    assert trim_http_route(ours) == ours


def test_an_ingress_of_kapsas_is_kept_but_for_its_status() -> None:
    labels = {"app.kubernetes.io/managed-by": "kapsa"}
    ours = ingress("web", "a.example.com", labels=labels, managedFields=[{}])
    kept = trim_ingress(ours | {"status": {}})
    del ours["metadata"]["managedFields"]
    assert kept == ours


@pytest.mark.parametrize("spec", [None, {}, {"rules": None}, {"rules": [{}]}], ids=repr)
def test_an_ingress_without_hosts_routes_none(spec: Any) -> None:
    assert trim_ingress(ingress("x", "a") | {"spec": spec})["spec"] == {"rules": []}


def test_what_breaks_the_rules_is_an_error_and_left_out_of_many() -> None:
    valid, invalid = environment_manifest(), environment_manifest(type="imaginary")
    assert isinstance(parse(Environment, valid), Environment)
    assert isinstance(parse(Environment, invalid), ValidationError)
    assert len(parse_all(Environment, [valid, invalid])) == 1
