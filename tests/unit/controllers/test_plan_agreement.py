"""What `kapsa plan` shows is what the controllers write, for the same Project and repository."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest

from kapsa.adapters import resources
from kapsa.adapters.cluster import Manifest
from kapsa.cli.planning.difference import Identity, identity_of
from kapsa.cli.planning.known import PlanInput
from kapsa.cli.planning.project import plan_project
from kapsa.cli.planning.values import UNKNOWN_UID, PlannedProject
from kapsa.core.listings import RefListing
from kapsa.models import DomainPool, Project
from kapsa.models.reasons import Reason
from tests.builders import pool_manifest, sha
from tests.unit.controllers.project_rig import SHOP, Rig, pulls
from tests.unit.controllers.virtual_time import cancel

PRODUCTION = {"name": "production", "branch": "main", "runtime": {"replicas": 3}}
POOL = pool_manifest("apps", "apps.example.com", "apps.example.org")
DOMAIN = {"domainPoolRef": {"name": "apps"}}
BRANCHES = {"branches": {"enabled": True, "include": ["preview/*"]}}
EVERYTHING: dict[str, Any] = {
    "domain": DOMAIN,
    "environments": [PRODUCTION, {"name": "staging", "branch": "gone"}],
    "previewEnvironments": {**BRANCHES, "runtime": {"env": [{"name": "A", "value": "b"}]}},
    "runtime": {"ports": [{"name": "web", "containerPort": 3000}]},
}
REFS = RefListing({"main": sha("a"), "preview/x": sha("b")}, complete=True)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    made.outside.refs[SHOP] = REFS
    # The registry answers with what it was asked for: a plan knows no digests.
    made.outside.images = {name: name for name in made.outside.images}
    made.cluster.put(POOL)
    yield made
    await cancel(made.task)


async def carry_out(rig: Rig) -> None:
    """Have the controllers bring everything to what it should be."""
    await rig.converge()
    for key in [key for key in rig.cluster.objects if key[0] == "Environment"]:
        await rig.environments.reconcile((key[1], key[2]))


def applied(rig: Rig) -> dict[Identity, Manifest]:
    """Return what was applied last, as it was sent."""
    writes = [write for write in rig.cluster.writes if write.verb == "apply"]
    return {(write.kind, write.namespace, write.name): write.body for write in writes}


def planned(rig: Rig, **known: Any) -> PlannedProject:
    """Return the plan for what is live, and for what was listed."""
    live = rig.cluster.live("Project", "shop", "team-a")
    environments = [item for key, item in rig.cluster.objects.items() if key[0] == "Environment"]
    given: dict[str, Any] = {
        "project": Project.model_validate(live),
        "refs": rig.outside.refs[SHOP],
        "pull_requests": rig.outside.pull_requests["acme/shop"],
        "environments": tuple(environments),
        "pool": DomainPool.model_validate(POOL),
        "now": rig.clock.now(),
    }
    return plan_project(PlanInput(**(given | known)))


def manifests(plan: PlannedProject) -> dict[Identity, Manifest]:
    return {identity_of(manifest): manifest for manifest in plan.objects}


def without_uids(found: Mapping[Identity, Manifest], uids: Iterable[str]) -> dict[Identity, Any]:
    """Return manifests with one UID for each Environment, and without the digests of the rest."""
    text = json.dumps(list(found.values()))
    for uid in uids:
        text = text.replace(uid, UNKNOWN_UID)
    items = json.loads(text)
    for item in items:
        del item["metadata"]["annotations"]["kapsa-project.io/applied"]
    return {identity_of(item): item for item in items}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="previews-alone"),
        pytest.param(EVERYTHING, id="everything"),
        pytest.param(EVERYTHING | {"isolation": "Shared"}, id="in-the-projects-own-namespace"),
        pytest.param(
            EVERYTHING | {"previewEnvironments": {"maxActive": 2}}, id="with-some-that-wait"
        ),
    ],
)
async def test_the_plan_of_a_new_project_is_what_the_controllers_write(
    rig: Rig, spec: dict[str, Any]
) -> None:
    rig.shop(**spec)
    before = planned(rig)
    await carry_out(rig)

    uids = {
        item["metadata"]["uid"]
        for key, item in rig.cluster.objects.items()
        if key[0] == "Environment"
    }
    assert len(before.environments) > 1
    assert {item.action for item in before.environments} == {"create"}
    assert without_uids(manifests(before), uids) == without_uids(applied(rig), uids)
    told = rig.status_now()["candidates"]
    assert [
        item.to_json()
        for item in before.candidates
        # The status has no room for all branches that nobody wants previewed.
        if item.reason not in (Reason.BRANCH_EXCLUDED, Reason.PREVIEWS_DISABLED)
    ] == [item for item in told if item["decision"] != "Previewed"]


async def test_once_the_controllers_are_done_the_plan_is_what_there_is(rig: Rig) -> None:
    rig.shop(**EVERYTHING)
    await carry_out(rig)
    await carry_out(rig)

    plan = planned(rig)

    assert {item.action for item in plan.environments} == {"unchanged"}
    assert manifests(plan) == applied(rig)
    hosts = {item.name: item.host for item in plan.environments}
    assert hosts == {
        key[2]: item["status"]["host"]
        for key, item in rig.cluster.objects.items()
        if key[0] == "Environment"
    }


async def test_a_plan_for_another_commit_and_a_closed_pull_request_is_carried_out(
    rig: Rig,
) -> None:
    rig.shop(**EVERYTHING)
    await carry_out(rig)
    rig.outside.refs[SHOP] = RefListing({"main": sha("b"), "preview/x": sha("b")}, complete=True)
    rig.outside.pull_requests["acme/shop"] = pulls(1, 3, 4)
    plan = planned(rig)
    actions = {item.name: item.action for item in plan.environments}
    rig.cluster.writes.clear()

    await rig.poll()
    await rig.reconcile()

    written = {
        (write.verb, write.name) for write in rig.cluster.writes if write.kind == "Environment"
    }
    assert written == {
        ("apply", "shop-production"),
        ("delete", "shop-pr-2"),
        ("apply", "shop-pr-4"),
        *((verb, name) for verb, name in written if verb == "status"),
    }
    assert {name: action for name, action in actions.items() if action != "unchanged"} == {
        "shop-production": "update",
        "shop-pr-2": "delete",
        "shop-pr-4": "create",
    }


async def test_a_suspended_project_has_no_plan(rig: Rig) -> None:
    rig.shop(**EVERYTHING)
    await carry_out(rig)
    rig.edit(suspend=True)

    plan = planned(rig)

    assert plan.failure is not None
    assert plan.failure.reason == "Suspended"
    assert plan.objects == ()


async def test_a_plan_looks_at_all_that_an_environment_becomes(rig: Rig) -> None:
    assert tuple(cache.resource for cache in rig.state.children) == resources.CHILDREN
