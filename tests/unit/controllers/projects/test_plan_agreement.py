"""What `kapsa plan` shows is what the controllers write, for the same Project and repository."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest

from kapsa.adapters import resources
from kapsa.adapters.cluster import Manifest
from kapsa.cli.planning.content import comparable
from kapsa.cli.planning.difference import Identity, identity_of
from kapsa.cli.planning.documents import readable
from kapsa.cli.planning.known import PlanInput
from kapsa.cli.planning.project import plan_project
from kapsa.cli.planning.values import UNKNOWN_UID, PlannedProject
from kapsa.core import labels
from kapsa.core.projects.listings import RefListing
from kapsa.models import DomainPool, Project
from kapsa.models.reasons import Reason
from tests.builders import LATER, pool_manifest, sha
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
    "access": [{"kind": "Group", "name": "team-a"}],
}
FINISHING = {
    "release": {"command": ["./migrate"]},
    "processes": [
        {"name": "seed", "kind": "job"},
        {"name": "nightly", "kind": "cron", "schedule": "@daily"},
    ],
}
BOUND = {"configRefs": [{"name": "config"}], "secretRefs": [{"name": "secrets"}]}
REFS = RefListing({"main": sha("a"), "preview/x": sha("b")}, complete=True)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig(resource_quota={"pods": "20"}, limit_range={"max": {"memory": "1Gi"}})
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
        "pool": DomainPool.model_validate(POOL) if live["spec"].get("domain") else None,
        "namespaces": {
            key[2]: item["metadata"]["uid"]
            for key, item in rig.cluster.objects.items()
            if key[0] == "Namespace"
        },
        "rules": rig.settings.namespace_rules,
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
            EVERYTHING | {"isolation": "Environment"}, id="each-in-a-namespace-of-its-own"
        ),
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
        if key[0] in ("Environment", "Namespace")
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


@pytest.mark.parametrize("naming", ["flat", "nested"])
@pytest.mark.parametrize("mode", ["wildcard", "perHost"])
@pytest.mark.parametrize("isolation", ["Shared", "Project"])
async def test_the_plan_has_the_certificates_that_the_controllers_order(
    rig: Rig, naming: str, mode: str, isolation: str
) -> None:
    offered = {"issuerRef": {"name": "ca"}, "mode": mode}
    pool = pool_manifest("apps", "apps.example.com", naming=naming, certManager=offered)
    rig.cluster.put(pool)
    rig.shop(**EVERYTHING, isolation=isolation)
    before = planned(rig, pool=DomainPool.model_validate(pool))
    await carry_out(rig)

    kinds = {"Ingress", "Certificate"}
    plan, written = manifests(before), applied(rig)
    found = {identity: item["spec"] for identity, item in written.items() if identity[0] in kinds}
    assert {kind for kind, _, _ in found} == (
        kinds if mode == "perHost" or isolation == "Shared" else {"Ingress"}
    )
    assert found == {
        identity: item["spec"] for identity, item in plan.items() if identity[0] in kinds
    }
    urls = {item.name: item.url for item in before.environments if item.host}
    assert urls == {
        key[2]: item["status"]["url"]
        for key, item in rig.cluster.objects.items()
        if key[0] == "Environment" and item["status"].get("url")
    }
    assert all(url.startswith("https://") for url in urls.values())


@pytest.mark.parametrize("isolation", ["Shared", "Project", "Environment"])
async def test_once_the_controllers_are_done_the_plan_is_what_there_is(
    rig: Rig, isolation: str
) -> None:
    rig.shop(**EVERYTHING, isolation=isolation)
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


async def test_the_plan_has_copies_and_all_that_names_them_but_for_their_content(rig: Rig) -> None:
    for kind, name in (("ConfigMap", "config"), ("Secret", "secrets")):
        metadata = {"name": name, "namespace": "team-a"}
        source = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"A": "MQ=="}}
        rig.cluster.put(source)
    rig.shop(**(EVERYTHING | {"runtime": BOUND}))
    await carry_out(rig)

    kinds = {"ConfigMap", "Secret", "Deployment"}
    plan, written = manifests(planned(rig)), applied(rig)
    found = {identity: item for identity, item in written.items() if identity[0] in kinds}

    assert {kind for kind, _, _ in found} == kinds
    assert set(found) == {identity for identity in plan if identity[0] in kinds}
    for identity, manifest in found.items():
        known = comparable(manifest)
        known.pop("data", None)
        del known["metadata"]["annotations"][labels.APPLIED]
        assert readable(plan[identity]) == known


def end_jobs(rig: Rig) -> None:
    """Have every Job succeed, as their controller would say it."""
    jobs = [item for key, item in rig.cluster.objects.items() if key[0] == "Job"]
    for job in jobs:
        done = {"type": "Complete", "status": "True", "lastTransitionTime": LATER}
        rig.cluster.put({**job, "status": {"conditions": [done]}})


async def test_the_plan_shows_what_comes_after_the_release_and_then_what_there_is(
    rig: Rig,
) -> None:
    rig.shop(runtime=FINISHING, environments=[{"name": "production", "branch": "main"}])
    before = planned(rig)
    for _ in range(3):
        await carry_out(rig)
        end_jobs(rig)
    await carry_out(rig)

    jobs = tuple(item for key, item in rig.cluster.objects.items() if key[0] == "Job")
    after = planned(rig, jobs=jobs)

    kinds = {"Job": 2, "CronJob": 1, "Deployment": 1, "Service": 1}
    for plan in (before, after):
        (production,) = (item for item in plan.environments if item.name == "shop-production")
        assert Counter(item["kind"] for item in production.objects) == kinds
    assert {item.blocked.reason for item in before.environments if item.blocked} == {
        Reason.RELEASE_RUNNING
    }
    assert [item.blocked for item in after.environments if item.blocked] == []
    assert manifests(after) == applied(rig)


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
