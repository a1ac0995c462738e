"""The poller: what is read, how often, and what is remembered."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.polling import Poller, ProjectKey, Snapshot, Source
from kapsa.core.listings import OpenPullRequest, PullRequestListing, RefListing
from tests.builders import sha
from tests.fakes import FakeOutside
from tests.unit.controllers.virtual_time import cancel, now

SHOP = "https://git.example.com/acme/shop.git"
REFS = RefListing({"main": sha("a")}, complete=True)
PULLS = PullRequestListing((OpenPullRequest(7, sha("b"), "topic"),), complete=True)
NO_PULLS = PullRequestListing((), complete=True)
DOWN = Waiting("RepositoryUnreachable", "connection refused")
A, B = ("team-a", "shop"), ("team-b", "shop")


class Rig:
    def __init__(self, per_host: int = 4) -> None:
        self.outside = FakeOutside()
        self.outside.refs[SHOP] = REFS
        self.outside.pull_requests["acme/shop"] = PULLS
        self.told: list[tuple[float, ProjectKey]] = []
        self.poller = Poller(
            refs=self.outside,
            forge=self.outside,
            now=now,
            on_polled=self.note,
            timeout=30.0,
            per_host=per_host,
        )

    def note(self, projects: Iterable[ProjectKey]) -> None:
        self.told += [(round(now(), 3), project) for project in projects]

    def polls(self, url: str = SHOP) -> int:
        return self.outside.asked.count(f"refs {url}")

    def seen(self, project: ProjectKey = A) -> Snapshot:
        snapshot = self.poller.snapshot(project)
        assert snapshot is not None
        return snapshot

    @contextmanager
    def running(self) -> Iterator[None]:
        task = asyncio.create_task(self.poller.run())
        yield
        task.cancel()


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


@pytest.mark.parametrize("interval", [10.0, 300.0, 3600.0])
async def test_a_poll_is_never_later_than_the_interval(rig: Rig, interval: float) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), interval)
        await asyncio.sleep(interval * 20)
    times = [time for time, _ in rig.told]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert len(gaps) >= 19
    assert all(0.9 * interval <= gap <= interval + 0.01 for gap in gaps)
    assert len({round(gap, 2) for gap in gaps}) > 5, "not all at once"


async def test_next_poll_at_says_when(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        announced = rig.poller.next_poll_at(A)
        await asyncio.sleep(301)
    assert announced is not None
    assert rig.told[1][0] == pytest.approx(announced, abs=0.01)


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


async def test_failures_slow_down_and_success_speeds_up_again(rig: Rig) -> None:
    rig.outside.refs[SHOP] = DOWN
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 100)
        await asyncio.sleep(3000)
        times = [time for time, _ in rig.told]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        for gap, factor in zip(gaps, [1, 2, 3, 4, 4, 4], strict=False):
            assert 0.9 * factor * 100 <= gap <= factor * 100
        rig.outside.refs[SHOP] = REFS
        await asyncio.sleep(400)
        rig.told.clear()
        await asyncio.sleep(1000)
    assert len(rig.told) >= 9


async def test_a_server_that_asks_for_patience_is_never_asked_before(rig: Rig) -> None:
    rig.outside.refs[SHOP] = Waiting("RateLimited", "later", 1000.0)
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 10)
        await asyncio.sleep(999)
        assert rig.polls() == 1
        await asyncio.sleep(2)
    assert rig.polls() == 2


async def test_one_empty_answer_is_looked_at_again_soon_and_believed_then(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        rig.outside.pull_requests["acme/shop"] = NO_PULLS
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
        assert rig.seen().pull_requests.empty_answers == 1
        await asyncio.sleep(2)
        assert rig.seen().pull_requests.empty_answers == 2
        polls = rig.polls()
        await asyncio.sleep(200)
    assert rig.polls() == polls


async def test_a_repository_that_is_still_empty_is_no_failure_of_the_forge(rig: Rig) -> None:
    rig.outside.refs[SHOP] = RefListing({}, complete=True)
    rig.outside.pull_requests["acme/shop"] = Stalled("RepositoryNotFound", "no pulls")
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
    assert rig.seen().problem is None
    assert not rig.seen().pull_requests.complete


async def test_a_failure_between_two_empty_answers_starts_the_count_anew(rig: Rig) -> None:
    rig.outside.pull_requests["acme/shop"] = NO_PULLS
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 300)
        await asyncio.sleep(1)
        rig.outside.pull_requests["acme/shop"] = DOWN
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
        rig.outside.pull_requests["acme/shop"] = NO_PULLS
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
    assert rig.seen().pull_requests.empty_answers == 1


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


async def test_a_shorter_interval_counts_from_now(rig: Rig) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 3600)
        await asyncio.sleep(1)
        rig.poller.watch(A, Source(SHOP), 10)
        await asyncio.sleep(101)
    assert rig.polls() >= 10


async def test_a_second_project_with_a_shorter_interval_does_not_wait_for_the_first(
    rig: Rig,
) -> None:
    with rig.running():
        rig.poller.watch(A, Source(SHOP), 3600)
        await asyncio.sleep(1)
        rig.poller.watch(B, Source(SHOP), 10)
        await asyncio.sleep(101)
        assert rig.polls() >= 10
        rig.poller.unwatch(B)
        await asyncio.sleep(20)
        polls = rig.polls()
        await asyncio.sleep(1000)
    assert rig.polls() == polls


async def test_watching_again_the_same_way_polls_no_sooner(rig: Rig) -> None:
    with rig.running():
        for _ in range(50):
            rig.poller.watch(A, Source(SHOP), 300)
            await asyncio.sleep(1)
    assert rig.polls() == 1


async def test_poll_now_polls_now(rig: Rig) -> None:
    with rig.running():
        rig.poller.poll_now(A)
        rig.poller.watch(A, Source(SHOP), 3600)
        await asyncio.sleep(5)
        rig.poller.poll_now(A)
        await asyncio.sleep(1)
    assert [time for time, _ in rig.told] == [0.0, 5.0]


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
