"""The poller: what is read, and what is remembered."""

import asyncio

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.projects.polling import Snapshot, Source
from kapsa.core.projects.listings import PullRequestListing, RefListing
from tests.fakes import FakeOutside
from tests.unit.controllers.polling_rig import DOWN, PULLS, REFS, SHOP, A, B, Rig
from tests.unit.controllers.virtual_time import cancel


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_a_new_repository_is_polled_at_once_and_its_project_told(rig: Rig) -> None:
    assert rig.poller.snapshot(A) is None
    assert rig.poller.next_poll_at(A) is None
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
    assert rig.told == [(0.0, A)]
    assert rig.seen() == Snapshot(REFS, PULLS, "gitea", None, 0.0)


async def test_a_repository_that_two_projects_watch_is_polled_once(rig: Rig) -> None:
    rig.outside.delay = 1.0
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(0.5)
        rig.poller.watch(B, Source(SHOP), 300)
        await asyncio.sleep(100)
    assert rig.polls() == 1
    assert {project for _, project in rig.told} == {A, B}
    assert rig.seen(A) is rig.seen(B)


async def test_other_credentials_are_another_repository(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP, credentials=Credentials("a", "x")), 300)
        rig.poller.watch(B, Source(SHOP), 300)
        await asyncio.sleep(100)
    assert rig.polls() == 2
    assert rig.seen(A) is not rig.seen(B)


async def test_what_needs_credentials_is_not_shown_to_who_has_none(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP, credentials=Credentials("a", "x")), 300)
        await asyncio.sleep(1)
        rig.outside.refs[SHOP] = Stalled("AuthenticationFailed", "no")
        rig.poller.watch(B, Source(SHOP), 300)
        await asyncio.sleep(1)
    assert rig.seen(A).refs == REFS
    assert rig.seen(B).refs.branches == {}


async def test_no_more_polls_of_one_host_than_allowed_whatever_its_spelling() -> None:
    rig = Rig(per_host=2)
    rig.outside.delay = 1.0
    with rig.running():
        for number in range(6):
            host = "git.example.com" if number % 2 else "GIT.example.com"
            source = Source(f"https://{host}/acme/{number}.git", provider="git")
            rig.poller.watch(("team-a", f"{number}"), source, 300)
        await asyncio.sleep(10)
    assert rig.outside.most_busy == 2
    assert sorted({time for time, _ in rig.told}) == [1.0, 2.0, 3.0]


async def test_a_host_that_hangs_holds_up_no_other(rig: Rig) -> None:
    class Hanging(FakeOutside):
        async def list_refs(self, url: str, credentials: Credentials | None = None) -> RefListing:
            if "slow" in url:
                await asyncio.Event().wait()
            return await super().list_refs(url, credentials)

    rig = Rig()
    rig.poller._refs = Hanging()
    with rig.running():
        for number in range(600):
            source = Source(f"https://slow.example.com/acme/{number}", provider="git")
            rig.poller.watch(("team-b", f"{number}"), source, 300)
        await asyncio.sleep(1)
        rig.poller.watch(A, Source("https://quick.example.com/acme/x", provider="git"), 300)
        await asyncio.sleep(1)
        assert rig.poller.snapshot(A) is not None
    await asyncio.sleep(0)


async def test_a_poll_that_takes_too_long_is_given_up(rig: Rig) -> None:
    rig.outside.delay = 31.0
    with rig.running():
        rig.poller.watch(A, Source(SHOP, provider="gitea"), 300)
        await asyncio.sleep(40)
    problem = rig.seen().problem
    assert problem is not None
    assert (problem.reason, problem.stalled) == ("RepositoryUnreachable", False)
    assert problem.message == "git.example.com did not answer in time; Kapsa tries again"
    assert rig.told == [(30.0, A)]


async def test_a_failure_keeps_the_last_listing_as_an_incomplete_one(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        rig.outside.refs[SHOP] = DOWN
        await asyncio.sleep(300)
    seen = rig.seen()
    assert seen.refs == RefListing(REFS.branches, complete=False)
    assert seen.pull_requests == PullRequestListing(PULLS.items, complete=False)
    assert (seen.listed_at, seen.failures, seen.provider) == (0.0, 1, "gitea")
    assert seen.problem is not None
    assert seen.problem.message == "connection refused"


async def test_a_forge_that_fails_leaves_the_branches_as_they_are_and_the_rest_incomplete(
    rig: Rig,
) -> None:
    rig.outside.pull_requests["acme/shop"] = Waiting("ForgeUnreachable", "500")
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
    assert rig.seen().refs == REFS
    assert not rig.seen().pull_requests.complete
    assert rig.seen().listed_at is None


async def test_a_failure_that_nobody_foresaw_keeps_no_listing_complete(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        rig.outside.refs[SHOP] = KeyError("surprise")
        await asyncio.sleep(300)
        assert not rig.seen().refs.complete
        assert rig.seen().problem is not None
        assert len(rig.told) >= 2
        rig.outside.refs[SHOP] = REFS
        await asyncio.sleep(300)
    assert rig.seen().refs.complete
    assert rig.seen().problem is None


async def test_what_serves_a_repository_is_asked_once(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 10)
        await asyncio.sleep(100)
    assert rig.outside.asked.count(f"detect {SHOP}") == 1
    assert rig.polls() >= 10


async def test_a_plain_git_server_is_not_asked_for_pull_requests(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP, provider="git"), 10)
        await asyncio.sleep(1)
    assert rig.outside.asked == [f"refs {SHOP}"]
    assert rig.seen().pull_requests == PullRequestListing()


async def test_what_nobody_watches_any_more_is_forgotten(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 10)
        rig.poller.watch(B, Source(SHOP), 10)
        await asyncio.sleep(1)
        rig.poller.unwatch(A)
        rig.poller.unwatch(A)
        assert rig.poller.snapshot(A) is None
        assert rig.poller.snapshot(B) is not None
        rig.poller.unwatch(B)
        await asyncio.sleep(20)
        polls = rig.polls()
        await asyncio.sleep(100)
    assert rig.polls() == polls
    assert not rig.poller._watched
    assert not rig.poller._hosts


async def test_a_project_that_goes_while_its_poll_is_running_is_not_told(rig: Rig) -> None:
    rig.outside.delay = 5.0
    with rig.running():
        rig.poller.watch(A, Source(SHOP, provider="git"), 10)
        await asyncio.sleep(1)
        rig.poller.unwatch(A)
        await asyncio.sleep(60)
    assert rig.told == []
    assert rig.polls() == 1


async def test_a_project_that_comes_back_while_a_poll_is_running_is_told_of_a_new_one(
    rig: Rig,
) -> None:
    rig.outside.delay = 5.0
    with rig.running():
        rig.poller.watch(A, Source(SHOP, provider="git"), 100)
        await asyncio.sleep(1)
        rig.poller.unwatch(A)
        rig.poller.watch(A, Source(SHOP, provider="git"), 100)
        await asyncio.sleep(60)
    assert rig.told == [(10.0, A)]


async def test_credentials_that_change_are_used_at_once(rig: Rig) -> None:
    old, new = Credentials("a", "old"), Credentials("a", "new")
    with rig.running():
        rig.poller.watch(A, Source(SHOP, "git", credentials=old), 300)
        await asyncio.sleep(1)
        rig.poller.watch(A, Source(SHOP, "git", credentials=new), 300)
        assert rig.poller.snapshot(A) is None, "what the old ones showed is not the new one's"
        await asyncio.sleep(1)
        assert rig.outside.credentials == [old, new]
        await asyncio.sleep(300)
    assert old not in rig.outside.credentials[1:]


async def test_an_operator_that_is_elected_again_believes_no_old_listing(rig: Rig) -> None:
    task = asyncio.create_task(rig.poller.run())
    rig.poller.watch(A, Source(SHOP), 300)
    await asyncio.sleep(1)
    assert rig.poller.snapshot(A) is not None
    rig.outside.delay = 5.0
    rig.poller.poll_now(A)
    await asyncio.sleep(1)
    await cancel(task)  # in the midst of a poll
    assert rig.poller.snapshot(A) is None
    rig.told.clear()
    rig.outside.delay = 0.0
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        assert len(rig.told) == 1
        await asyncio.sleep(600)
    assert len(rig.told) >= 2
