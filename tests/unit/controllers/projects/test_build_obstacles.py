"""What stands in the way for a moment changes neither what runs nor what failed."""

from collections.abc import AsyncIterator

import pytest

from kapsa.adapters.errors import Waiting
from kapsa.controllers.builds.source_reader import SourceReader
from kapsa.core import labels
from kapsa.core.builds.source import Source
from kapsa.core.projects.listings import RefListing
from tests.builders import DIGEST, sha
from tests.unit.controllers.build_rig import REPOSITORY, BuildRig
from tests.unit.controllers.project_rig import MADE, SHOP
from tests.unit.controllers.virtual_time import cancel

ALONE = {"previewEnvironments": {"enabled": False}}
IMAGE = f"{REPOSITORY}@{DIGEST}"
PRODUCTION = ("Environment", "shop-production", MADE)
DOWN = Waiting("RegistryUnreachable", "it does not answer")
GIT_IS_DOWN = Waiting("RepositoryUnreachable", "it does not answer")


@pytest.fixture
async def rig() -> AsyncIterator[BuildRig]:
    made = BuildRig()
    yield made
    await cancel(made.task)


async def steps(rig: BuildRig) -> None:
    for _ in range(3):
        await rig.step()


async def with_an_image(rig: BuildRig) -> None:
    await rig.begin(**ALONE)
    rig.end(rig.jobs()[0])
    await steps(rig)
    assert rig.image("shop-production") == IMAGE


async def listed(rig: BuildRig, commit: str) -> None:
    rig.outside.refs[SHOP] = RefListing({"main": sha(commit)}, complete=True)
    await rig.poll()
    await steps(rig)


def reference(rig: BuildRig) -> str:
    metadata = rig.cluster.live(*PRODUCTION)["metadata"]
    return str(metadata["annotations"].get(labels.IMAGE_REFERENCE, ""))


def start_anew(rig: BuildRig) -> None:
    """Have nothing in memory of what was read and built."""
    rig.builds._interests.clear()
    object.__setattr__(rig.projects, "repositories", SourceReader(rig.cluster, rig.outside))


async def ready(rig: BuildRig) -> tuple[str, str]:
    await rig.environments.reconcile((MADE, "shop-production"))
    return rig.condition("ImageReady", *PRODUCTION)


async def test_a_failure_outlives_the_registry_that_is_gone_for_a_moment(rig: BuildRig) -> None:
    await rig.begin(**ALONE)
    rig.end(rig.jobs()[0], log="it does not compile")
    await steps(rig)
    failed = [job["metadata"]["uid"] for job in rig.jobs()]
    rig.cluster.remove("Registry", "harbor")
    await steps(rig)
    rig.harbor()
    await steps(rig)
    assert [job["metadata"]["uid"] for job in rig.jobs()] == failed
    assert rig.built() == ("False", "BuildFailed")


async def test_a_failure_of_what_is_offered_outlives_git_that_is_down_after_a_restart(
    rig: BuildRig,
) -> None:
    await rig.begin(
        environments=[{"name": "production", "branch": "main", "autoSync": False}], **ALONE
    )
    rig.end(rig.jobs()[0], log="it does not compile")
    await steps(rig)
    start_anew(rig)
    rig.outside.sources[sha("a")] = GIT_IS_DOWN
    await steps(rig)
    assert len(rig.jobs()) == 1


async def test_a_failure_of_a_preview_that_is_held_back_is_remembered(rig: BuildRig) -> None:
    rig.open(*range(1, 6))
    await rig.begin(environments=[])
    for _ in range(4):
        for job in rig.jobs():
            rig.end(job, log="it does not compile")
        await steps(rig)
    assert len(rig.jobs()) == 5
    rig.open()
    for _ in range(2):
        await rig.poll()
        await steps(rig)
    assert rig.condition("CleanupHeld", "Project", "shop", "team-a")[0] == "True"
    assert len(rig.jobs()) == 5


async def test_a_failure_is_forgotten_with_its_environment_whatever_stands_in_the_way_of_others(
    rig: BuildRig,
) -> None:
    await rig.begin(environments=[])
    rig.end(rig.job_of("shop-pr-2"), log="it does not compile")
    await steps(rig)
    rig.cluster.remove("Registry", "harbor")
    rig.open(1)
    await rig.poll()
    await steps(rig)
    assert {job["metadata"]["annotations"][labels.BUILT_FOR] for job in rig.jobs()} == {"shop-pr-1"}


async def test_a_new_commit_has_the_failure_of_the_former_forgotten(rig: BuildRig) -> None:
    await rig.begin(**ALONE)
    rig.end(rig.jobs()[0], log="it does not compile")
    await steps(rig)
    await listed(rig, "b")
    assert [job["metadata"]["annotations"][labels.COMMIT] for job in rig.jobs()] == [sha("b")]


async def test_without_the_registry_the_image_stays_and_the_environment_says_why(
    rig: BuildRig,
) -> None:
    await with_an_image(rig)
    before = reference(rig)
    rig.written()
    rig.cluster.remove("Registry", "harbor")
    await steps(rig)
    assert (rig.image("shop-production"), reference(rig)) == (IMAGE, before)
    assert not [write for write in rig.written() if write.startswith("apply Environment")]
    assert await ready(rig) == ("True", "RegistryNotFound")
    rig.harbor()
    await steps(rig)
    assert await ready(rig) == ("True", "ImageReady")


async def test_what_is_not_built_yet_keeps_its_tag_and_needs_no_git_afterwards(
    rig: BuildRig,
) -> None:
    await rig.begin(**ALONE)
    before = reference(rig)
    rig.cluster.remove("Registry", "harbor")
    await steps(rig)
    assert reference(rig) == before
    start_anew(rig)
    rig.outside.sources[sha("a")] = GIT_IS_DOWN
    rig.end(rig.jobs()[0])
    rig.harbor()
    await steps(rig)
    assert rig.image("shop-production") == IMAGE


@pytest.mark.parametrize("change", ["commit", "build"])
async def test_another_version_does_not_run_the_image_of_the_former(
    rig: BuildRig, change: str
) -> None:
    await with_an_image(rig)
    rig.cluster.remove("Registry", "harbor")
    if change == "build":
        rig.edit(build={"strategy": "dockerfile", "dockerfile": "Other"})
        await steps(rig)
    else:
        await listed(rig, "b")
    assert (rig.image("shop-production"), reference(rig)) == ("", "")


async def test_who_asks_while_the_registry_is_down_keeps_what_runs(rig: BuildRig) -> None:
    await with_an_image(rig)
    rig.outside.images[reference(rig)] = DOWN
    rig.annotate("2026-01-02T00:00:00Z")
    await rig.reconcile()
    assert rig.image("shop-production") == IMAGE
    assert await ready(rig) == ("True", "RegistryUnreachable")
    await steps(rig)
    assert rig.image("shop-production") == IMAGE
    assert len(rig.jobs()) == 1


async def test_who_asks_gets_an_image_built_that_is_gone(rig: BuildRig) -> None:
    await with_an_image(rig)
    rig.annotate("2026-01-02T00:00:00Z")
    await rig.reconcile()
    await rig.builds.reconcile("builds")
    assert rig.image("shop-production") == ""
    assert len(rig.jobs()) == 2


async def test_who_asks_gets_the_image_that_the_tag_names_by_now(rig: BuildRig) -> None:
    await with_an_image(rig)
    other = IMAGE.replace(DIGEST, "sha256:" + "cd" * 32)
    rig.outside.images[reference(rig)] = other
    rig.annotate("2026-01-02T00:00:00Z")
    await rig.reconcile()
    assert rig.image("shop-production") == other


async def test_two_environments_of_one_tree_share_a_failure_that_an_obstacle_does_not_end(
    rig: BuildRig,
) -> None:
    rig.outside.sources = {sha(name): Source("the tree", "") for name in ("a", "p1")}
    rig.open(1)
    await rig.begin()
    (job,) = rig.jobs()
    rig.end(job, log="it does not compile")
    await steps(rig)
    # Whoever the build was begun for, one of them goes.
    rig.cluster.put(
        {
            **job,
            "metadata": {
                **job["metadata"],
                "annotations": {**job["metadata"]["annotations"], labels.BUILT_FOR: "shop-pr-1"},
            },
            "status": rig.jobs()[0]["status"],
        }
    )
    rig.open()
    rig.cluster.remove("Registry", "harbor")
    await rig.poll()
    await rig.poll()
    await steps(rig)
    assert rig.names() == ["shop-production"]
    rig.harbor()
    await steps(rig)
    assert len(rig.jobs()) == 1
    assert rig.built() == ("False", "BuildFailed")
