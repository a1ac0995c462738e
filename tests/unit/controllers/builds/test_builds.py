"""Builds from the wish to the image, with the controllers of Projects and of builds."""

from base64 import b64decode
from collections.abc import MutableMapping
from typing import Any

import pytest

from kapsa.adapters.api_errors import Conflict
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.core import labels
from kapsa.core.builds.source import Source
from kapsa.core.projects.listings import RefListing
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from tests.builders import DIGEST, project_manifest, sha
from tests.unit.controllers.build_rig import BUILDS, BUILT, PASSWORD, REPOSITORY, BuildRig, encoded
from tests.unit.controllers.project_rig import KEY, MADE, SHOP
from tests.unit.controllers.projects.test_plan_agreement import planned
from tests.unit.controllers.virtual_time import loop
from tests.unit.controllers.world import NAMESPACE, secret


async def test_each_commit_is_built_once_in_the_namespace_of_builds(rig: BuildRig) -> None:
    await rig.begin(environments=[])
    assert len(rig.jobs()) == 2
    assert rig.cluster.has("Namespace", BUILDS)
    assert rig.built() == ("Unknown", "Building")
    rig.written()
    for _ in range(3):
        await rig.step()
    assert rig.written() == []


async def test_the_environment_runs_the_digest_that_was_built(rig: BuildRig) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    rig.end(rig.jobs()[0])
    await rig.step()
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.image("shop-production") == f"{REPOSITORY}@{DIGEST}"
    assert rig.secrets() == [], "what a build knew outlives it"


async def test_the_end_of_a_build_is_logged_once(
    rig: BuildRig, logs: list[MutableMapping[str, Any]]
) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    await rig.step()
    (job,) = rig.jobs()
    rig.end(job)
    for _ in range(2):
        await rig.step()
    ended = [entry for entry in logs if entry["event"] == "build ended"]
    assert [(entry["name"], entry["result"]) for entry in ended] == [
        (job["metadata"]["name"], "succeeded")
    ]


async def test_permanent_environments_are_built_before_previews(rig: BuildRig) -> None:
    await rig.begin()
    assert rig.job_of("shop-production")
    assert len(rig.jobs()) == 2, "two at a time is a Project's share"
    rig.end(rig.job_of("shop-production"))
    await rig.step()
    assert len(rig.jobs()) == 3


async def test_a_plan_keeps_what_was_built_and_tells_another_commit_by_a_tag_of_no_source(
    rig: BuildRig,
) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    rig.end(rig.job_of("shop-production"))
    await rig.step()
    registry = Registry.model_validate(rig.cluster.live("Registry", "harbor", ""))
    (kept,) = planned(rig, registry=registry).environments
    assert kept.action == "unchanged"
    assert kept.spec["image"] == f"{REPOSITORY}@{DIGEST}"
    refs = RefListing({"main": sha("another")}, complete=True)
    (changed,) = planned(rig, registry=registry, refs=refs).environments
    assert changed.action == "update"
    assert changed.spec["image"].startswith(f"{REPOSITORY}:kapsa-")
    assert changed.spec["image"].endswith("-unread")


async def test_a_second_commit_with_the_same_tree_builds_nothing(rig: BuildRig) -> None:
    rig.outside.sources = {sha(name): Source("the tree", "") for name in ("a", "p1", "p2")}
    await rig.begin()
    (job,) = rig.jobs()
    rig.end(job)
    await rig.step()
    images = {rig.image(name) for name in ("shop-production", "shop-pr-1", "shop-pr-2")}
    assert images == {f"{REPOSITORY}@{DIGEST}"}
    assert len(rig.jobs()) == 1


async def test_what_the_registry_has_is_not_built_again_after_the_build_is_forgotten(
    rig: BuildRig,
) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    (job,) = rig.jobs()
    rig.end(job)
    await rig.step()
    want = rig.cluster.live("Environment", "shop-production", MADE)
    reference = want["metadata"]["annotations"][labels.IMAGE_REFERENCE]
    rig.outside.images[reference] = f"{REPOSITORY}@{DIGEST}"
    loop().jump(4000)
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.jobs() == []
    rig.cluster.remove("Environment", "shop-production", MADE)
    await rig.step()
    assert rig.image("shop-production") == f"{REPOSITORY}@{DIGEST}"
    assert rig.jobs() == []


async def test_a_failure_is_tried_again_only_when_a_person_asks(rig: BuildRig) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    rig.end(rig.jobs()[0], log="it does not compile")
    for _ in range(3):
        await rig.step()
        loop().jump(4000)
    assert len(rig.jobs()) == 1
    rig.annotate("2026-01-02T00:00:00Z")
    await rig.step()
    assert [job["metadata"]["annotations"][labels.ATTEMPT] for job in rig.jobs()] in (
        ["1", "2"],
        ["2", "1"],
    )
    for job in rig.jobs():
        if job["metadata"]["annotations"][labels.ATTEMPT] == "2":
            rig.end(job, log="it still does not")
    for _ in range(3):
        await rig.step()
    assert len(rig.jobs()) == 2


async def test_an_outage_of_the_registry_is_tried_again_three_times(rig: BuildRig) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    words = (
        f"error: failed to solve: failed to push {REPOSITORY}:x: unexpected status from PUT"
        " request to https://registry.example.com/v2/: 503 Service Unavailable"
    )
    ended: set[str] = set()
    for _ in range(8):
        for job in rig.jobs():
            if job["metadata"]["name"] not in ended:
                ended.add(job["metadata"]["name"])
                rig.end(job, log=words)
        await rig.step()
        loop().jump(1000)
        await rig.step()
    assert len(rig.jobs()) == 4
    assert rig.built() == ("False", "BuildFailed")


async def test_the_build_of_a_closed_pull_request_is_cancelled(rig: BuildRig) -> None:
    await rig.begin(environments=[])
    assert len(rig.jobs()) == 2
    rig.open(1)
    await rig.poll()
    await rig.step()
    assert len(rig.jobs()) == 1
    assert rig.job_of("shop-pr-1")
    assert [item["metadata"]["labels"][labels.BUILD] for item in rig.secrets()] == [
        rig.jobs()[0]["metadata"]["name"]
    ]


async def test_builds_of_a_deleted_project_end(rig: BuildRig) -> None:
    await rig.begin()
    rig.cluster.remove("Project", "shop", "team-a")
    await rig.builds.reconcile(THE_QUEUE)
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.jobs() == []
    assert rig.secrets() == []


async def test_builds_stay_where_a_cache_has_lost_the_project(rig: BuildRig) -> None:
    await rig.begin()
    rig.state.projects.observe("DELETED", rig.cluster.live("Project", *KEY[::-1]))
    await rig.builds.reconcile(THE_QUEUE)
    assert len(rig.jobs()) == 2


async def test_a_restart_begins_nothing_anew(rig: BuildRig) -> None:
    await rig.begin()
    names = [job["metadata"]["name"] for job in rig.jobs()]
    rig.written()
    rig.forget()
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.written() == []
    await rig.step()
    assert [job["metadata"]["name"] for job in rig.jobs()] == names


async def test_a_build_that_a_crash_kept_from_beginning_begins_with_what_was_made(
    rig: BuildRig,
) -> None:
    rig.cluster.fail(Waiting("ApiUnavailable", "the operator was killed"), "apply", "Job")
    await rig.begin(previewEnvironments={"enabled": False})
    (made,) = rig.secrets()
    rig.written()
    rig.forget()
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.written() == [], "what may be needed at once stays"
    await rig.step()
    assert [job["metadata"]["name"] for job in rig.jobs()] == [made["metadata"]["name"]]
    assert [item["metadata"]["uid"] for item in rig.secrets()] == [made["metadata"]["uid"]]


async def test_what_keeps_a_build_from_beginning_is_told_and_tried_again(rig: BuildRig) -> None:
    rig.cluster.remove("Secret", "robot", NAMESPACE)
    await rig.begin(previewEnvironments={"enabled": False})
    assert rig.jobs() == []
    assert rig.built() == ("False", "SecretNotFound")
    rig.cluster.put(secret("robot", username=encoded("robot"), password=encoded(PASSWORD)))
    await rig.step()
    assert len(rig.jobs()) == 1
    assert rig.built() == ("Unknown", "Building")


async def test_a_namespace_of_builds_that_is_somebody_elses_is_left_alone(rig: BuildRig) -> None:
    rig.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": BUILDS}})
    await rig.begin(previewEnvironments={"enabled": False})
    assert rig.jobs() == []
    assert rig.built() == ("False", "NamespaceConflict")


async def test_without_kpack_a_buildpack_can_not_build(rig: BuildRig) -> None:
    for cache in rig.state.kpack:
        cache.is_served = False
    await rig.begin(build={"strategy": "buildpack"}, previewEnvironments={"enabled": False})
    assert rig.built() == ("False", "BuildNotPossible")


async def test_a_build_gets_a_token_for_its_repository_where_that_lives_long_enough(
    rig: BuildRig,
) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken("a-narrow-token", 3600.0)
    await rig.begin(previewEnvironments={"enabled": False})
    (made,) = rig.secrets()
    content = " ".join(b64decode(value).decode() for value in made["data"].values())
    assert "a-narrow-token" in content
    assert PASSWORD not in content
    assert encoded(f"robot:{PASSWORD}") not in content


async def test_a_token_that_ends_before_the_build_is_of_no_use(rig: BuildRig) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken("a-narrow-token", 300.0)
    await rig.begin(previewEnvironments={"enabled": False})
    (made,) = rig.secrets()
    content = " ".join(b64decode(value).decode() for value in made["data"].values())
    assert "a-narrow-token" not in content
    assert encoded(f"robot:{PASSWORD}") in content


async def test_kpack_gets_no_token_since_its_programs_refuse_to_read_one(rig: BuildRig) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken("a-narrow-token", 3600.0)
    await rig.begin(build={"strategy": "buildpack"}, previewEnvironments={"enabled": False})
    content = " ".join(
        b64decode(value).decode() for made in rig.secrets() for value in made["data"].values()
    )
    assert "a-narrow-token" not in content
    assert encoded(f"robot:{PASSWORD}") in content


async def test_an_image_that_the_admin_does_not_know_builds_nothing(rig: BuildRig) -> None:
    unknown = {"strategy": "buildpack", "builder": {"image": "ghcr.io/somebody/builder"}}
    await rig.begin(build=unknown, previewEnvironments={"enabled": False})
    assert rig.built() == ("False", "BuilderNotAllowed")
    assert rig.secrets() == []


async def test_a_commit_that_wants_no_build_leaves_commit_and_image_as_they_are(
    rig: BuildRig,
) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    rig.end(rig.jobs()[0])
    await rig.step()
    rig.outside.sources[sha("b")] = Source("another tree", "docs [skip ci]")
    rig.outside.refs[SHOP] = RefListing({"main": sha("b")}, complete=True)
    await rig.poll()
    await rig.step()
    spec = rig.cluster.live("Environment", "shop-production", MADE)["spec"]
    assert (spec["commit"], spec["image"]) == (sha("a"), f"{REPOSITORY}@{DIGEST}")
    assert len(rig.jobs()) == 1


@pytest.mark.parametrize("write", range(6))
async def test_a_crash_at_any_write_gives_one_build_for_a_commit(rig: BuildRig, write: int) -> None:
    rig.shop(previewEnvironments={"enabled": False})
    await rig.converge()
    crash = Conflict(Reason.RECONCILING, "the operator is gone", 1.0)
    rig.cluster.fail(crash, "apply", skip=write)
    for _ in range(4):
        await rig.step()
    assert len(rig.jobs()) == 1
    assert len(rig.secrets()) == 1


@pytest.mark.parametrize(
    "error",
    [
        Waiting(Reason.REGISTRY_UNREACHABLE, "it hangs", 15.0),
        Stalled(Reason.REGISTRY_UNAUTHORIZED, "it refuses the credentials"),
    ],
    ids=["hangs", "refuses"],
)
async def test_a_registry_that_gives_no_token_begins_no_build(
    rig: BuildRig, error: Exception
) -> None:
    rig.outside.tokens[REPOSITORY] = error
    await rig.begin(previewEnvironments={"enabled": False})
    assert rig.jobs() == []
    assert rig.built()[0] == "False"


def test_the_project_is_a_valid_one() -> None:
    assert project_manifest("shop", **BUILT)["spec"]["build"] == {"strategy": "dockerfile"}
