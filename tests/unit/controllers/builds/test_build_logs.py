"""What a failed build said, as a Project shows it: without what the build was told in secret."""

import json

import pytest

from kapsa.adapters.errors import Stalled, Waiting
from kapsa.adapters.registry_tokens import ScopedToken
from kapsa.controllers.builds.builds import THE_QUEUE
from kapsa.core import labels
from kapsa.core.projects.listings import RefListing
from kapsa.models.reasons import Reason
from tests.builders import sha
from tests.unit.controllers.build_rig import PASSWORD, REPOSITORY, BuildRig
from tests.unit.controllers.project_rig import MADE, SHOP
from tests.unit.controllers.virtual_time import loop
from tests.unit.controllers.world import NAMESPACE

TOKEN = "a-token-for-this-build-alone"
ONE = {"previewEnvironments": {"enabled": False}}


def said(rig: BuildRig) -> str:
    return json.dumps(rig.status_now())


async def test_a_failure_shows_its_log_without_secrets_and_leaves_what_runs_alone(
    rig: BuildRig,
) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    rig.end(rig.jobs()[0])
    await rig.step()
    rig.outside.refs[SHOP] = RefListing({"main": sha("b")}, complete=True)
    await rig.poll()
    await rig.step()
    newer = next(
        job for job in rig.jobs() if job["metadata"]["annotations"][labels.COMMIT] == sha("b")
    )
    rig.end(newer, log=f"COPY failed: no such file\nwith {PASSWORD}")
    await rig.step()
    assert rig.built() == ("False", "BuildFailed")
    said = json.dumps(rig.status_now())
    assert "no such file" in said
    assert PASSWORD not in said
    obstacle = rig.images.obstacle((MADE, "shop-production"))
    assert obstacle is not None
    assert obstacle.stalled
    assert PASSWORD not in obstacle.message


async def test_a_log_that_could_not_be_read_is_shown_once_it_can_and_then_remembered(
    rig: BuildRig,
) -> None:
    await rig.begin(previewEnvironments={"enabled": False})
    no_answer = Waiting(Reason.API_SERVER_UNAVAILABLE, "it does not answer")
    unread = rig.cluster.fail(no_answer, "log", times=99)
    rig.end(rig.jobs()[0], log="it does not compile")
    await rig.step()
    assert "its log could not be read" in json.dumps(rig.status_now())
    unread.times = 0
    loop().jump(4000)
    await rig.step()
    assert "it does not compile" in json.dumps(rig.status_now())
    rig.cluster.reads.clear()
    loop().jump(4000)
    await rig.step()
    assert not [read for read in rig.cluster.reads if read.startswith("log ")]


async def test_the_token_of_the_build_itself_does_not_show(rig: BuildRig) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken(TOKEN, 3600.0)
    await rig.begin(**ONE)
    rig.end(rig.jobs()[0], log=f"it does not compile with {TOKEN}")
    await rig.step()
    assert "it does not compile with [redacted]" in said(rig)


async def test_neither_does_a_password_that_was_rotated_while_it_ran_nor_the_new_one(
    rig: BuildRig,
) -> None:
    await rig.begin(**ONE)
    rig.rotate("a-newer-password")
    rig.end(rig.jobs()[0], log=f"it does not compile with {PASSWORD}, a-newer-password")
    await rig.step()
    assert "it does not compile with [redacted], [redacted]" in said(rig)


async def test_a_log_shows_although_the_credentials_are_gone_by_now(rig: BuildRig) -> None:
    await rig.begin(**ONE)
    rig.cluster.remove("Secret", "robot", NAMESPACE)
    rig.end(rig.jobs()[0], log=f"it does not compile with {PASSWORD}")
    await rig.step()
    assert "it does not compile with [redacted]" in said(rig)


@pytest.mark.parametrize("first", ["project", "builds"])
async def test_after_a_restart_the_secrets_of_the_build_say_what_must_not_show(
    rig: BuildRig, first: str
) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken(TOKEN, 3600.0)
    await rig.begin(**ONE)
    rig.forget()
    rig.end(rig.jobs()[0], log=f"it does not compile with {TOKEN}")
    if first == "builds":
        await rig.builds.reconcile(THE_QUEUE)
        assert rig.secrets() == [], "it is not kept for that"
    await rig.step()
    assert "it does not compile with [redacted]" in said(rig)


async def test_a_secret_that_can_not_be_read_after_a_restart_stays_and_no_log_shows(
    rig: BuildRig,
) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken(TOKEN, 3600.0)
    await rig.begin(**ONE)
    rig.forget()
    rig.end(rig.jobs()[0], log=f"it does not compile with {TOKEN}")
    no_answer = Waiting(Reason.API_SERVER_UNAVAILABLE, "it does not answer", 5.0)
    unread = rig.cluster.fail(no_answer, "get", "Secret", times=99)
    assert await rig.builds.reconcile(THE_QUEUE) == 5.0
    await rig.reconcile()
    assert "its log could not be read" in said(rig)
    assert len(rig.secrets()) == 1
    unread.times = 0
    await rig.step()
    assert "it does not compile with [redacted]" in said(rig)
    assert rig.secrets() == []


async def test_what_a_build_was_told_is_forgotten_when_its_end_is_explained(rig: BuildRig) -> None:
    await rig.begin(environments=[])
    failing, succeeding = rig.jobs()
    hidden = rig.builds._hidden._values
    assert set(hidden) == {job["metadata"]["labels"][labels.BUILD] for job in rig.jobs()}
    rig.end(failing, log="it does not compile")
    await rig.builds.reconcile(THE_QUEUE)
    assert set(hidden) == {job["metadata"]["name"] for job in rig.jobs()}, "nobody has asked yet"
    rig.end(succeeding)
    await rig.step()
    await rig.builds.reconcile(THE_QUEUE)
    assert hidden == {}


async def test_what_a_build_was_told_is_forgotten_when_it_is_cancelled(rig: BuildRig) -> None:
    await rig.begin(environments=[])
    rig.open()
    await rig.poll()
    await rig.step()
    await rig.builds.reconcile(THE_QUEUE)
    assert rig.builds._hidden._values == {}


async def test_a_token_that_was_handed_over_in_vain_is_remembered_beside_the_next(
    rig: BuildRig,
) -> None:
    rig.outside.tokens[REPOSITORY] = ScopedToken("the-first-token", 3600.0)
    refused = Stalled(Reason.APPLY_REFUSED, "a webhook refuses it")
    rig.cluster.fail(refused, "apply", "Job")
    await rig.begin(**ONE)
    rig.outside.tokens[REPOSITORY] = ScopedToken("the-second-token", 3600.0)
    await rig.step()
    rig.end(rig.jobs()[0], log="with the-first-token, the-second-token")
    await rig.step()
    assert "with [redacted], [redacted]" in said(rig)


async def test_memory_of_what_builds_were_told_is_bounded_and_shows_nothing(rig: BuildRig) -> None:
    hidden = rig.builds._hidden
    for number in range(1100):
        hidden.keep(f"build-{number}", [PASSWORD])
        hidden.keep("build-0", [f"token-{number}"])
    assert len(hidden._values) == 1000
    assert len(hidden._values["build-0"]) == 32
    assert PASSWORD not in repr(hidden)
