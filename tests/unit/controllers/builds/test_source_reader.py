"""Reading what is to be built: what is asked, how often, and what is remembered."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import AdapterError, Stalled, Waiting
from kapsa.controllers.builds.source_reader import SourceReader
from kapsa.core.builds.source import Source
from kapsa.core.conditions import Blocked
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from tests.builders import project, sha
from tests.fakes import FakeCluster, FakeOutside
from tests.unit.controllers.virtual_time import now, settle
from tests.unit.controllers.world import secret

URL = "https://git.example.com/acme/shop.git"
A, B = sha("a"), sha("b")


class Rig:
    """A reader of sources between a fake cluster and a fake git server."""

    def __init__(self) -> None:
        self.cluster, self.outside = FakeCluster(), FakeOutside()
        self.reader = SourceReader(self.cluster, self.outside)

    async def refusal(self, of: Project, commit: str = A) -> Blocked:
        answer = await self.reader.read(of, commit)
        assert isinstance(answer, Blocked)
        return answer


@pytest.fixture
async def rig() -> Rig:
    return Rig()


def built(uid: str = "uid-1", repository: dict[str, Any] | None = None, **build: Any) -> Project:
    """A Project whose commits are built."""
    return project(
        metadata={"uid": uid},
        repository={"url": URL, **(repository or {})},
        build={"strategy": "dockerfile", **build},
        registry={"name": "internal"},
    )


def private(uid: str = "uid-1") -> Project:
    return built(uid, {"credentials": {"secretRef": {"name": "git"}}})


async def test_the_context_of_a_commit_is_read_once(rig: Rig) -> None:
    rig.outside.sources[A] = Source("t1", "one")

    for _ in range(3):
        assert await rig.reader.read(built(context="web"), A) == Source("t1", "one")

    assert rig.outside.asked == [f"source {URL} {A} web"]


async def test_files_are_named_only_where_some_of_them_matter(rig: Rig) -> None:
    await rig.reader.read(built(), A)
    await rig.reader.read(built(paths={"include": ["*.py"]}), A)

    assert rig.outside.asked == [f"source {URL} {A} .", f"source {URL} {A} . with files"]


async def test_all_who_ask_at_a_time_get_one_answer(rig: Rig) -> None:
    rig.outside.delay = 1.0

    answers = await asyncio.gather(*(rig.reader.read(built(), A) for _ in range(5)))

    assert answers == [Source(f"tree-{A}", "")] * 5
    assert len(rig.outside.asked) == 1


async def test_nobody_waits_long_and_the_reading_goes_on(rig: Rig) -> None:
    rig.outside.delay = 12.0

    blocked = await rig.refusal(built())
    assert (blocked.reason, blocked.stalled, blocked.retry_after) == (
        Reason.REPOSITORY_NOT_READ,
        False,
        5.0,
    )
    assert now() == 5.0
    await rig.refusal(built())

    assert await rig.reader.read(built(), A) == Source(f"tree-{A}", "")
    assert now() == 12.0
    assert len(rig.outside.asked) == 1


async def test_a_caller_who_goes_away_does_not_end_the_reading(rig: Rig) -> None:
    rig.outside.delay = 3.0
    asking = asyncio.create_task(rig.reader.read(built(), A))
    await settle()
    asking.cancel()

    assert await rig.reader.read(built(), A) == Source(f"tree-{A}", "")
    assert len(rig.outside.asked) == 1


async def test_the_projects_credentials_are_used(rig: Rig) -> None:
    rig.cluster.put(secret("git", namespace="team-a", token="dDBrZW4="))

    await rig.reader.read(private(), A)

    assert rig.outside.credentials == [Credentials("x-access-token", "t0ken")]


async def test_what_one_project_has_read_another_one_must_read_itself(rig: Rig) -> None:
    rig.cluster.put(secret("git", namespace="team-a", token="dDBrZW4="))
    await rig.reader.read(private("uid-1"), A)
    rig.outside.sources[A] = Stalled(Reason.AUTHENTICATION_FAILED, "no")

    assert (await rig.refusal(built("uid-2"))).reason == Reason.AUTHENTICATION_FAILED
    assert isinstance(await rig.reader.read(private("uid-1"), A), Source)


async def test_a_missing_secret_is_looked_for_again_within_a_minute(rig: Rig) -> None:
    blocked = await rig.refusal(private())
    assert (blocked.reason, blocked.stalled, blocked.retry_after) == (
        Reason.SECRET_NOT_FOUND,
        True,
        60.0,
    )
    rig.cluster.put(secret("git", namespace="team-a", token="dDBrZW4="))
    await asyncio.sleep(60)

    assert isinstance(await rig.reader.read(private(), A), Source)


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (Stalled(Reason.AUTHENTICATION_FAILED, "no"), 60.0),
        (Stalled(Reason.REPOSITORY_NOT_FOUND, "no"), 60.0),
        (Stalled(Reason.REPOSITORY_TOO_LARGE, "no"), 3600.0),
        (Stalled(Reason.CONTEXT_NOT_FOUND, "no"), 3600.0),
        (Stalled(Reason.BUILD_NOT_POSSIBLE, "no", 60.0), 60.0),
        (Waiting(Reason.REPOSITORY_UNREACHABLE, "no"), 15.0),
        (Waiting(Reason.RATE_LIMITED, "no", 100.0), 100.0),
    ],
)
async def test_a_failure_is_remembered_until_it_is_worth_while_to_try_again(
    rig: Rig, error: AdapterError, retry: float
) -> None:
    rig.outside.sources[A] = error
    assert (await rig.refusal(built())).retry_after == retry
    await asyncio.sleep(retry - 1)
    again = await rig.refusal(built())
    assert (again.reason, again.message, again.retry_after) == (error.reason, "no", 1.0)
    assert len(rig.outside.asked) == 1

    await asyncio.sleep(1)
    del rig.outside.sources[A]

    assert isinstance(await rig.reader.read(built(), A), Source)


async def test_a_server_that_does_not_answer_is_asked_ever_less_often(rig: Rig) -> None:
    rig.outside.sources[A] = Waiting(Reason.REPOSITORY_UNREACHABLE, "no")
    waits = []
    for _ in range(8):
        retry = (await rig.refusal(built())).retry_after
        assert retry is not None
        waits.append(retry)
        await asyncio.sleep(retry)

    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]


async def test_a_repository_that_fails_is_not_asked_for_its_other_commits(rig: Rig) -> None:
    rig.outside.delay = 20.0
    for commit in (A, B):
        rig.outside.sources[commit] = Waiting(Reason.REPOSITORY_UNREACHABLE, "no")
    waiting = [asyncio.create_task(rig.reader.read(built(), commit)) for commit in (A, B)]
    await asyncio.sleep(21)

    assert (await rig.refusal(built(), B)).reason == Reason.REPOSITORY_UNREACHABLE
    assert rig.outside.asked == [f"source {URL} {A} ."]
    await asyncio.gather(*waiting)


async def test_who_wants_it_to_be_tried_again_need_not_wait(rig: Rig) -> None:
    rig.outside.sources[A] = Stalled(Reason.REPOSITORY_TOO_LARGE, "no")
    await rig.refusal(built())
    asked = built()
    asked.metadata.annotations["kapsa-project.io/requestedAt"] = "2026-01-02T03:04:05Z"
    await rig.refusal(asked)
    await rig.refusal(asked)

    assert len(rig.outside.asked) == 2


@pytest.mark.parametrize("reason", [Reason.CONTEXT_NOT_FOUND, Reason.COMMIT_NOT_FOUND])
async def test_a_commit_that_fails_says_nothing_about_others(rig: Rig, reason: Reason) -> None:
    rig.outside.sources[A] = Stalled(reason, "no")

    await rig.refusal(built(), A)

    assert isinstance(await rig.reader.read(built(), B), Source)
    assert (await rig.refusal(built(), A)).reason == reason


async def test_what_was_not_asked_for_longest_is_forgotten_first(rig: Rig) -> None:
    files = tuple((f"{number:0100d}", "100644 " + "a" * 40) for number in range(20_000))
    first, second, third = A, B, sha("c")
    paths = built(paths={"include": ["*"]})
    for commit in (first, second, first, third, first):
        rig.outside.sources[commit] = Source("many", "", files)
        await rig.reader.read(paths, commit)
    assert len(rig.outside.asked) == 3

    await rig.reader.read(paths, second)

    assert rig.outside.asked[3:] == [f"source {URL} {second} . with files"]


async def test_what_is_too_large_to_be_remembered_drives_nothing_else_out(rig: Rig) -> None:
    files = tuple((f"{number:0100d}", "100644 " + "a" * 40) for number in range(60_000))
    paths = built(paths={"include": ["*"]})
    await rig.reader.read(paths, A)
    rig.outside.sources[B] = Source("large", "", files)

    for commit in (B, B, A):
        await rig.reader.read(paths, commit)

    assert [question.split()[2] for question in rig.outside.asked] == [A, B, B]
