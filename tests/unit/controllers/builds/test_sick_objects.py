"""One object that can't be dealt with holds up no others."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.core import labels
from kapsa.models.reasons import Reason
from tests.unit.controllers.build_rig import BuildRig
from tests.unit.controllers.project_rig import KEY

REFUSED = Stalled(Reason.APPLY_REFUSED, "a webhook refuses it", 60.0)
UNFORESEEN = RuntimeError("nobody foresaw that")


def names(manifests: list[dict[str, Any]]) -> set[str]:
    return {item["metadata"]["labels"][labels.BUILD] for item in manifests}


@pytest.mark.parametrize(
    ("error", "delay"), [(REFUSED, 60.0), (UNFORESEEN, 30.0)], ids=["refused", "unforeseen"]
)
async def test_a_build_that_can_not_be_deleted_keeps_no_other_from_beginning(
    rig: BuildRig, error: Exception, delay: float
) -> None:
    await rig.begin(environments=[])
    rig.open()
    await rig.poll()
    await rig.reconcile()
    rig.neighbour("healthy")
    rig.cluster.fail(error, "delete", "Job")
    assert await rig.builds.reconcile(THE_QUEUE) == delay
    assert rig.projects_built() == ["healthy", "shop"]
    assert len(rig.jobs()) == 2, "the other one that nobody wants is gone"
    assert names(rig.secrets()) == names(rig.jobs()), "what still runs keeps what it needs"
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.projects_built() == ["healthy"]


async def test_a_build_that_can_not_be_cancelled_keeps_its_place() -> None:
    rig = BuildRig(build_concurrency=1)
    await rig.begin(environments=[])
    rig.open()
    await rig.poll()
    await rig.reconcile()
    rig.neighbour("healthy")
    rig.cluster.fail(REFUSED, "delete", "Job")
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.projects_built() == ["shop"]
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.projects_built() == ["healthy"]
    rig.task.cancel()


async def test_a_secret_that_can_not_be_deleted_keeps_no_build_from_beginning(
    rig: BuildRig,
) -> None:
    await rig.begin(environments=[])
    for job in rig.jobs():
        rig.end(job)
    rig.neighbour("healthy")
    rig.cluster.fail(REFUSED, "delete", "Secret")
    assert await rig.builds.reconcile(THE_QUEUE) == 60.0
    assert rig.projects_built() == ["healthy", "shop"]
    assert len(rig.secrets()) == 2


async def test_an_owner_that_can_not_be_asked_for_keeps_its_builds_and_holds_up_no_others(
    rig: BuildRig,
) -> None:
    await rig.begin(environments=[])
    rig.state.projects.observe("DELETED", rig.cluster.live("Project", *KEY[::-1]))
    rig.neighbour("healthy")
    no_answer = Waiting(Reason.API_SERVER_UNAVAILABLE, "it does not answer", 5.0)
    rig.cluster.fail(no_answer, "get", "Project")
    assert await rig.builds.reconcile(THE_QUEUE) == 5.0
    assert rig.projects_built() == ["healthy", "shop"]


async def test_a_build_that_fails_to_begin_for_no_known_reason_holds_up_no_others(
    rig: BuildRig, logs: list[MutableMapping[str, Any]]
) -> None:
    for name in ("first", "second"):
        rig.neighbour(name)
    rig.cluster.fail(UNFORESEEN, "apply", "Job")
    assert await rig.builds.reconcile(THE_QUEUE) == 30.0
    assert rig.projects_built() == ["second"]
    assert [entry["log_level"] for entry in logs if entry["event"] == "failed"] == ["error"]
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.projects_built() == ["first", "second"]


async def test_who_may_not_write_any_more_tries_nothing_further(rig: BuildRig) -> None:
    for name in ("first", "second"):
        rig.neighbour(name)
    rig.cluster.fail(NotFenced(), "apply", "Job")
    with pytest.raises(NotFenced):
        await rig.builds.reconcile(THE_QUEUE)
    assert rig.jobs() == []
