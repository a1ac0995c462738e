"""The cache while it lists: what fails, what comes meanwhile, and what it costs."""

import asyncio

import pytest

from kapsa.adapters.cluster import NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.workloads.pod_trouble import trouble_of
from tests.fakes import FakeCluster
from tests.unit.controllers.cache_rig import (
    SlowList,
    cache_of_services,
    changes_of,
    names,
    service,
    stored,
)
from tests.unit.controllers.virtual_time import cancel, now


async def test_what_is_deleted_while_a_list_is_under_way_is_not_resurrected() -> None:
    cluster, cache = SlowList(), cache_of_services()
    cluster.put(stored("a"))
    cluster.feed(cache)
    cache.request_list()
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.sleep(0.5)
    cluster.remove("Service", "a", "ns")
    changes = changes_of(cache)
    await asyncio.sleep(1)
    assert names(cache) == []
    assert changes == []
    await cancel(task)


async def test_of_two_lives_that_both_end_while_a_list_is_under_way_none_is_resurrected() -> None:
    cluster, cache = SlowList(), cache_of_services()
    cluster.put(stored("a"))
    cluster.feed(cache)
    cache.request_list()
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.sleep(0.5)
    cluster.watch_is_late = True
    cluster.remove("Service", "a", "ns")
    second = cluster.put(stored("a"))
    cluster.remove("Service", "a", "ns")
    # The watch was lost meanwhile: of all that, only the second life and its end are seen.
    cluster._pending.clear()
    cache.observe("MODIFIED", second)
    second["metadata"]["resourceVersion"] = str(cluster._count.version)
    cache.observe("DELETED", second)
    await asyncio.sleep(1)
    assert names(cache) == []
    await cancel(task)


async def test_the_late_answer_to_a_write_does_not_resurrect_what_was_deleted_since() -> None:
    cluster, cache = FakeCluster(), cache_of_services()
    cluster.feed(cache)
    answer = cluster.put(stored("a"))
    cluster.remove("Service", "a", "ns")
    cache.observe("MODIFIED", answer)
    assert names(cache) == []


async def test_what_is_deleted_takes_no_memory_for_long() -> None:
    cluster, cache = FakeCluster(), cache_of_services()
    cluster.feed(cache)
    task = asyncio.create_task(cache.run(cluster, 600))
    for number in range(1000):
        cluster.put(stored(f"{number}"))
        cluster.remove("Service", f"{number}", "ns")
        await asyncio.sleep(60)
    assert len(cache._gone) + len(cache._gone_before) <= 22
    await cancel(task)


async def test_a_list_that_fails_keeps_everything_and_is_tried_again() -> None:
    cluster, cache = FakeCluster(), cache_of_services()
    cluster.put(stored("a"))
    cluster.feed(cache)
    cluster.fail(Waiting("ApiServerUnavailable", "no answer"), "list", times=3)
    cache.request_list()
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.sleep(5)
    assert names(cache) == ["a"]
    cluster.watch_is_late = True
    cluster.remove("Service", "a", "ns")
    await asyncio.sleep(5)
    assert names(cache) == []
    assert cluster.reads == ["list Service"] * 4
    await cancel(task)


@pytest.mark.parametrize(
    "error", [Stalled("ApplyRefused", "forbidden"), NotFenced("no"), KeyError("metadata")], ids=repr
)
async def test_no_failure_of_a_list_ends_the_cache(error: Exception) -> None:
    cluster, cache = FakeCluster(), cache_of_services()
    cluster.put(stored("a"))
    cluster.fail(error, "list")
    cache.request_list()
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.sleep(1)
    assert not cache.ready.is_set()
    await asyncio.sleep(5)
    assert cache.ready.is_set()
    assert names(cache) == ["a"]
    await cancel(task)


async def test_it_is_ready_only_after_the_first_list() -> None:
    cluster, cache = SlowList(), cache_of_services()
    task = asyncio.create_task(cache.run(cluster, 600))
    cache.observe("ADDED", service("a"))
    cache.request_list()
    await asyncio.sleep(0.5)
    assert not cache.ready.is_set()
    await asyncio.sleep(1)
    assert cache.ready.is_set()
    await cancel(task)


async def test_where_the_watch_never_lists_it_lists_after_the_interval() -> None:
    cluster, cache = FakeCluster(), cache_of_services()
    task = asyncio.create_task(cache.run(cluster, 600))
    await asyncio.sleep(661)
    assert cache.ready.is_set()
    await cancel(task)


async def test_it_lists_about_every_interval_and_when_asked() -> None:
    cluster, cache = FakeCluster(), cache_of_services()
    task = asyncio.create_task(cache.run(cluster, 600))
    before = len(cluster.reads)
    for _ in range(5):
        cache.request_list()
    await asyncio.sleep(1)
    assert len(cluster.reads) == before + 1
    await asyncio.sleep(6000)
    assert before + 1 + 9 <= len(cluster.reads) <= before + 1 + 11
    assert now() > 6000
    await cancel(task)


async def test_a_list_keeps_what_is_made_of_an_object_when_it_is_trimmed() -> None:
    waiting = {"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    cluster, pods = FakeCluster(), State().pods
    cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a", "namespace": "ns", "labels": dict(labels.MANAGED)},
            "status": {"containerStatuses": [waiting]},
        }
    )
    pods.request_list()
    task = asyncio.create_task(pods.run(cluster, 600))
    await pods.ready.wait()

    trouble = trouble_of(pods.get("ns", "a"))

    assert trouble is not None
    assert trouble.reason == "ImagePullBackOff"
    await cancel(task)
