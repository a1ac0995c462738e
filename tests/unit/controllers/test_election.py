"""The election: at no instant do two operators believe that they may write."""

import asyncio
from typing import Any

import pytest

from kapsa.adapters import resources
from kapsa.adapters.cluster import Manifest, NotFenced
from kapsa.adapters.errors import Waiting
from kapsa.controllers.election import LEASE_NAME, Elector, Timing
from tests.fakes import FakeCluster
from tests.unit.controllers.virtual_time import cancel, loop, now

NAMESPACE = "kapsa-system"
TIMING = Timing(duration=15.0, deadline=10.0, interval=2.0)
DOWN = Waiting("ApiServerUnavailable", "connection refused")


class Candidate:
    """An operator that does nothing but lead."""

    def __init__(self, cluster: FakeCluster, name: str, timing: Timing = TIMING) -> None:
        self.elector = Elector(cluster, NAMESPACE, name, timing)
        self.led: list[tuple[float, float]] = []
        self._leads = False
        self.task = asyncio.create_task(self.elector.run(self._lead))

    async def _lead(self) -> None:
        started, self._leads = now(), True
        try:
            await asyncio.Event().wait()
        finally:
            self._leads = False
            self.led.append((started, now()))

    def leading(self) -> bool:
        return self._leads

    def may_write(self) -> bool:
        try:
            self.elector.fence()
        except NotFenced:
            return False
        return True


def lease(cluster: FakeCluster) -> dict[str, Any]:
    return dict(cluster.live("Lease", LEASE_NAME, NAMESPACE)["spec"])


async def test_one_of_two_leads() -> None:
    cluster = FakeCluster()
    first, second = Candidate(cluster, "a"), Candidate(cluster, "b")
    await asyncio.sleep(60)
    assert [first.leading(), second.leading()].count(True) == 1
    assert first.elector.is_leader is first.leading()
    assert second.elector.is_leader is second.leading()
    assert lease(cluster)["holderIdentity"] == ("a" if first.leading() else "b")
    await asyncio.gather(cancel(first.task), cancel(second.task))


async def test_nobody_may_write_before_being_elected() -> None:
    elector = Elector(FakeCluster(), NAMESPACE, "a", TIMING)
    assert not elector.is_leader
    with pytest.raises(NotFenced):
        elector.fence()


async def test_the_lease_is_renewed_and_says_how_long_others_must_believe_in_it() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(1)
    acquired = lease(cluster)
    await asyncio.sleep(60)
    assert lease(cluster)["acquireTime"] == acquired["acquireTime"]
    assert lease(cluster)["leaseDurationSeconds"] == 15
    assert lease(cluster)["leaseTransitions"] == 0
    assert 25 <= len(cluster.writes) <= 35
    await cancel(only.task)


async def test_a_renewal_is_one_request_until_somebody_else_touches_the_lease() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(10)
    cluster.reads.clear()
    await asyncio.sleep(30)
    assert cluster.reads == []
    touched = cluster.live("Lease", LEASE_NAME, NAMESPACE)
    touched["metadata"]["annotations"] = {"by": "hand"}
    cluster.put(touched)
    await asyncio.sleep(30)
    assert cluster.reads == [f"get Lease {LEASE_NAME}"]
    cluster.remove("Lease", LEASE_NAME, NAMESPACE)
    await asyncio.sleep(30)
    assert lease(cluster)["holderIdentity"] == "a"
    await cancel(only.task)
    assert len(only.led) == 1


async def test_on_a_machine_that_is_slow_for_long_the_lease_is_kept() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(1)
    cluster.fail(None, kind="Lease", delay=3.5, times=20)
    for _ in range(100):
        await asyncio.sleep(1)
        assert only.leading()
        assert only.may_write()
    await cancel(only.task)


async def test_giving_the_lease_back_lets_the_other_in_at_once() -> None:
    cluster = FakeCluster()
    first = Candidate(cluster, "a")
    await asyncio.sleep(1)
    second = Candidate(cluster, "b")
    await asyncio.sleep(30)
    await cancel(first.task)
    assert not first.elector.is_leader
    await asyncio.sleep(3)
    assert second.leading()
    assert lease(cluster)["leaseTransitions"] == 1
    await cancel(second.task)


async def test_the_lease_is_given_back_only_after_all_work_has_ended() -> None:
    cluster = FakeCluster()
    writes_at_end = -1

    async def lead() -> None:
        nonlocal writes_at_end
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3)
            writes_at_end = len(cluster.writes)

    task = asyncio.create_task(Elector(cluster, NAMESPACE, "a", TIMING).run(lead))
    await asyncio.sleep(1)
    before = len(cluster.writes)
    await cancel(task)
    assert writes_at_end == before
    assert len(cluster.writes) == before + 1
    assert lease(cluster)["holderIdentity"] == ""


async def test_what_died_without_giving_it_back_is_followed_after_the_duration() -> None:
    cluster = FakeCluster()
    first = Candidate(cluster, "a")
    await asyncio.sleep(1)
    second = Candidate(cluster, "b")
    await asyncio.sleep(10)
    cluster.fail(DOWN, "replace", times=1)  # what would give it back
    await cancel(first.task)
    ended = now()
    await asyncio.sleep(12)
    assert not second.leading()
    await asyncio.sleep(8)
    assert second.leading()
    assert now() - ended <= 20
    await cancel(second.task)


async def test_after_a_renewal_that_hangs_nothing_is_written_and_the_work_is_cancelled() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(1)
    hung = cluster.fail(None, kind="Lease", delay=1e6, times=10**6)
    await asyncio.sleep(8)
    assert only.may_write()
    await asyncio.sleep(2.1)
    assert not only.may_write()
    await asyncio.sleep(4)
    assert not only.leading()
    hung.times = 0
    await asyncio.sleep(30)
    assert only.leading()
    await cancel(only.task)


async def test_an_outage_that_is_shorter_than_the_deadline_costs_nothing() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(1)
    cluster.fail(DOWN, kind="Lease", times=3)
    for _ in range(20):
        assert only.leading()
        assert only.may_write()
        await asyncio.sleep(1)
    await cancel(only.task)
    assert len(only.led) == 1


@pytest.mark.parametrize(
    "error", [DOWN, Waiting("Reconciling", "409"), ValueError("half a page of JSON")], ids=repr
)
async def test_no_failure_of_the_api_server_ends_the_election(error: Exception) -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    cluster.fail(error, kind="Lease", times=30)
    await asyncio.sleep(120)
    assert only.leading()
    cluster.fail(error, kind="Lease", times=30)
    await asyncio.sleep(120)
    assert only.leading()
    assert not only.task.done()
    await cancel(only.task)


async def test_after_a_pause_of_90_seconds_no_write_is_begun() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(5)
    loop().jump(90)
    assert not only.may_write(), "before any timer could say so"
    await asyncio.sleep(30)
    assert only.may_write()
    await cancel(only.task)


async def test_who_was_paused_finds_the_other_leading() -> None:
    cluster = FakeCluster()
    first = Candidate(cluster, "a")
    await asyncio.sleep(1)
    second = Candidate(cluster, "b")
    await asyncio.sleep(10)
    # Only the first one is paused: its calls hang, and for the others time goes on.
    cluster.fail(None, kind="Lease", delay=90, times=1)
    first.elector._cluster = Unreachable()
    await asyncio.sleep(40)
    assert (first.leading(), second.leading()) == (False, True)
    first.elector._cluster = cluster
    await asyncio.sleep(40)
    assert (first.leading(), second.leading()) == (False, True)
    await asyncio.gather(cancel(first.task), cancel(second.task))


class Unreachable(FakeCluster):
    async def get(
        self, resource: resources.ResourceType, name: str, namespace: str = ""
    ) -> Manifest | None:
        raise DOWN

    async def replace(self, manifest: Manifest) -> Manifest:
        raise DOWN


async def test_a_clock_that_is_wrong_makes_no_difference() -> None:
    cluster = FakeCluster()
    first = Candidate(cluster, "a")
    await asyncio.sleep(1)
    second = Candidate(cluster, "b")
    for year in ("1970", "2999"):
        live = cluster.live("Lease", LEASE_NAME, NAMESPACE)
        live["spec"]["renewTime"] = f"{year}-01-01T00:00:00.000000Z"
        cluster.put(live)
        await asyncio.sleep(60)
        assert (first.leading(), second.leading()) == (True, False)
    await asyncio.gather(cancel(first.task), cancel(second.task))


async def test_whoever_loses_the_race_for_a_free_lease_does_not_lead() -> None:
    cluster = FakeCluster()
    cluster.fail(None, "replace", delay=0.5, times=2)
    cluster.fail(None, "create", delay=0.5, times=2)
    first, second = Candidate(cluster, "a"), Candidate(cluster, "b")
    for _ in range(300):
        assert not (first.may_write() and second.may_write())
        await asyncio.sleep(0.1)
    assert first.leading() != second.leading()
    await asyncio.gather(cancel(first.task), cancel(second.task))


async def test_a_lease_that_somebody_deletes_makes_no_two_leaders() -> None:
    cluster = FakeCluster()
    first = Candidate(cluster, "a")
    await asyncio.sleep(1)
    second = Candidate(cluster, "b")
    await asyncio.sleep(10)
    cluster.remove("Lease", LEASE_NAME, NAMESPACE)
    for _ in range(300):
        assert not (first.may_write() and second.may_write())
        await asyncio.sleep(0.1)
    assert first.leading() != second.leading()
    await asyncio.gather(cancel(first.task), cancel(second.task))


async def test_work_that_fails_ends_the_election_and_gives_the_lease_back() -> None:
    cluster = FakeCluster()

    async def lead() -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await Elector(cluster, NAMESPACE, "a", TIMING).run(lead)
    assert lease(cluster)["holderIdentity"] == ""


async def test_an_api_server_that_hangs_does_not_hold_up_the_end() -> None:
    cluster = FakeCluster()
    only = Candidate(cluster, "a")
    await asyncio.sleep(1)
    cluster.fail(None, kind="Lease", delay=1e6, times=10**6)
    started = now()
    await cancel(only.task)
    assert now() - started <= 3


async def test_a_lease_without_a_spec_is_free() -> None:
    cluster = FakeCluster()
    metadata = {"name": LEASE_NAME, "namespace": NAMESPACE}
    cluster.put({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata})
    only = Candidate(cluster, "a")
    await asyncio.sleep(1)
    assert only.leading()
    await cancel(only.task)
