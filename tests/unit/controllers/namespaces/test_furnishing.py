"""What is made once for a namespace, kept as it should be, and removed again."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import Stalled
from tests.builders import pool_manifest
from tests.unit.controllers.project_rig import MADE, PRODUCTION, Rig
from tests.unit.controllers.virtual_time import cancel

ACCESS = [{"kind": "Group", "name": "team-a"}]
BOUNDS: Any = {"resource_quota": {"pods": "5"}, "limit_range": {"max": {"memory": "1Gi"}}}
FURNISHINGS = {
    "ServiceAccount": "kapsa-shop",
    "NetworkPolicy": "kapsa",
    "ResourceQuota": "kapsa",
    "LimitRange": "kapsa",
    "RoleBinding": "kapsa-access",
}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig(**BOUNDS)
    made.shop(environments=PRODUCTION, access=ACCESS)
    yield made
    await cancel(made.task)


def furnished(rig: Rig) -> list[str]:
    """Return the kinds of what the namespace is furnished with."""
    return [kind for kind, name in FURNISHINGS.items() if rig.cluster.has(kind, name, MADE)]


def restart_with(rig: Rig, **settings: Any) -> Rig:
    """Return another operator on the same cluster."""
    rig.task.cancel()
    again = Rig(**settings)
    again.cluster.objects = rig.cluster.objects
    again.cluster.feed(*again.state.all)
    return again


async def test_everything_is_there_before_the_first_environment(rig: Rig) -> None:
    await rig.converge()
    written = rig.written()
    first = next(index for index, verb in enumerate(written) if "Environment" in verb)
    assert [verb for verb in written[:first] if "status" not in verb] == [
        f"apply Namespace {MADE}",
        *(f"apply {kind} {MADE}/{name}" for kind, name in FURNISHINGS.items()),
    ]


async def test_once_it_is_there_nothing_is_written(rig: Rig) -> None:
    await rig.converge()
    await rig.converge()
    rig.written()
    await rig.reconcile()
    assert [verb for verb in rig.written() if "status" not in verb] == []


@pytest.mark.parametrize("kind", FURNISHINGS)
async def test_what_lost_its_labels_is_known_by_the_namespace_that_owns_it(
    rig: Rig, kind: str
) -> None:
    await rig.converge()
    before = rig.cluster.live(kind, FURNISHINGS[kind], MADE)
    bare = {**before, "metadata": {**before["metadata"], "labels": {}}}
    rig.cluster.put(bare)
    await rig.reconcile()
    after = rig.cluster.live(kind, FURNISHINGS[kind], MADE)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


@pytest.mark.parametrize("kind", FURNISHINGS)
async def test_a_strangers_object_is_left_alone_and_said(rig: Rig, kind: str) -> None:
    theirs: Manifest = {"kind": kind, "metadata": {"name": FURNISHINGS[kind], "namespace": MADE}}
    before = rig.cluster.put(theirs)
    await rig.converge()
    assert rig.ready() == ("False", "NameConflict")
    assert rig.cluster.live(kind, FURNISHINGS[kind], MADE) == before
    # Who may not look in keeps nobody from running; a missing guard does.
    assert bool(rig.names()) == (kind == "RoleBinding")


async def test_what_exists_is_still_updated_while_a_guard_is_refused(rig: Rig) -> None:
    await rig.converge()
    rig.cluster.remove("NetworkPolicy", "kapsa", MADE)
    rig.cluster.fail(Stalled("ApplyRefused", "no"), "apply", "NetworkPolicy", times=9)
    rig.edit(environments=[{**PRODUCTION[0], "runtime": {"replicas": 3}}])
    await rig.reconcile()
    found = rig.cluster.live("Environment", "shop-production", MADE)
    assert found["spec"]["runtime"]["replicas"] == 3
    assert rig.ready() == ("False", "ApplyRefused")


async def test_access_that_is_taken_away_is_gone(rig: Rig) -> None:
    await rig.converge()
    assert furnished(rig) == list(FURNISHINGS)
    rig.edit(access=[])
    rig.written()
    await rig.reconcile()
    (write,) = [write for write in rig.cluster.writes if write.verb == "delete"]
    assert (write.kind, write.name, bool(write.uid)) == ("RoleBinding", "kapsa-access", True)


async def test_bounds_that_the_settings_lose_are_gone(rig: Rig) -> None:
    await rig.converge()
    again = restart_with(rig)
    await again.reconcile()
    assert furnished(again) == ["ServiceAccount", "NetworkPolicy", "RoleBinding"]
    await cancel(again.task)


async def test_another_role_takes_a_new_binding(rig: Rig) -> None:
    await rig.converge()
    before = rig.cluster.live("RoleBinding", "kapsa-access", MADE)
    again = restart_with(rig, **BOUNDS, developer_cluster_role="viewer")
    await again.reconcile()
    after = again.cluster.live("RoleBinding", "kapsa-access", MADE)
    assert after["roleRef"]["name"] == "viewer"
    deleted = [write for write in again.cluster.writes if write.verb == "delete"]
    assert [(write.kind, write.uid) for write in deleted] == [
        ("RoleBinding", before["metadata"]["uid"])
    ]
    await cancel(again.task)


async def test_a_pool_that_is_gone_leaves_the_policy_as_it_is(rig: Rig) -> None:
    routing = {"routerNamespace": "ingress-nginx"}
    rig.cluster.put(pool_manifest(routing=routing))
    rig.edit(domain={"domainPoolRef": {"name": "apps"}})
    await rig.converge()
    before = rig.cluster.live("NetworkPolicy", "kapsa", MADE)
    assert "ingress-nginx" in str(before["spec"])
    rig.cluster.remove("DomainPool", "apps")
    await rig.reconcile()
    assert rig.cluster.live("NetworkPolicy", "kapsa", MADE) == before


async def test_an_object_that_names_the_project_elsewhere_is_not_touched(rig: Rig) -> None:
    await rig.converge()
    rig.edit(access=[])
    forged = rig.cluster.live("RoleBinding", "kapsa-access", MADE)
    forged["metadata"] |= {"namespace": "team-b", "uid": "theirs"}
    rig.cluster.put(forged)
    await rig.reconcile()
    assert rig.cluster.has("RoleBinding", "kapsa-access", "team-b")
    assert not rig.cluster.has("RoleBinding", "kapsa-access", MADE)


async def test_a_shared_namespace_gets_nothing_but_the_service_account() -> None:
    rig = Rig(**BOUNDS)
    rig.shop(environments=PRODUCTION, access=ACCESS, isolation="Shared")
    await rig.converge()
    kinds = [key[:2] for key in rig.cluster.objects if key[0] in FURNISHINGS]
    assert kinds == [("ServiceAccount", "team-a")]
    await cancel(rig.task)
