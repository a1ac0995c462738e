"""The cache of a kind: whatever order events and lists come in, it ends at the truth."""

import asyncio
import copy
from collections.abc import MutableMapping
from typing import Any

import pytest

from kapsa.adapters import resources
from kapsa.adapters.cluster import Listing, NotFenced
from kapsa.adapters.errors import Stalled, Waiting
from kapsa.controllers.cache import Cache, Manifest
from tests.fakes import FakeCluster
from tests.unit.controllers.virtual_time import cancel, now

Change = tuple[str | None, str | None]


def service(name: str, uid: str = "", version: int = 1, **spec: Any) -> Manifest:
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
        },
        "spec": spec,
    }


def cache_of_services() -> Cache:
    return Cache(
        resources.SERVICES, indexes={"colour": lambda manifest: manifest["spec"].get("colours", ())}
    )


def changes_of(cache: Cache) -> list[Change]:
    changes: list[Change] = []

    def note(before: Manifest | None, after: Manifest | None) -> None:
        told = [f"{m['metadata']['uid']}@{m['metadata']['resourceVersion']}" if m else None
                for m in (before, after)]  # fmt: skip
        changes.append((told[0], told[1]))

    cache.subscribe(note)
    return changes


def names(cache: Cache) -> list[str]:
    return sorted(manifest["metadata"]["name"] for manifest in cache)


def listing(*items: Manifest, at: int) -> Listing:
    return Listing(list(items), str(at))


def test_events_add_change_and_delete() -> None:
    cache = cache_of_services()
    changes = changes_of(cache)
    cache.observe("ADDED", service("a", version=1))
    cache.observe("MODIFIED", service("a", version=2))
    cache.observe("DELETED", service("a", version=3))
    assert changes == [(None, "uid-a@1"), ("uid-a@1", "uid-a@2"), ("uid-a@2", None)]
    assert not len(cache)


def test_objects_carry_their_kind_whether_or_not_the_source_says_it() -> None:
    cache = cache_of_services()
    cache.observe(None, service("a"))
    found = cache.get("ns", "a")
    assert found is not None
    assert (found["apiVersion"], found["kind"]) == ("v1", "Service")


def test_the_same_again_is_no_change() -> None:
    cache = cache_of_services()
    cache.observe("ADDED", service("a"))
    changes = changes_of(cache)
    cache.observe(None, service("a"))
    cache.replace(listing(service("a"), at=9))
    assert changes == []


def test_an_event_that_is_older_than_what_is_known_is_dropped() -> None:
    cache = cache_of_services()
    cache.observe("MODIFIED", service("a", version=10, port=2))
    cache.observe("MODIFIED", service("a", version=9, port=1))
    assert [manifest["spec"] for manifest in cache] == [{"port": 2}]


def test_versions_are_compared_as_numbers() -> None:
    cache = cache_of_services()
    cache.observe("MODIFIED", service("a", version=10, port=2))
    cache.observe("MODIFIED", service("a", version=9, port=1))
    cache.observe("MODIFIED", service("a", version=100, port=3))
    assert [manifest["spec"] for manifest in cache] == [{"port": 3}]


def test_what_a_list_lacks_is_gone_unless_it_is_newer_than_the_list() -> None:
    cache = cache_of_services()
    cache.observe("ADDED", service("old", version=3))
    cache.observe("ADDED", service("new", version=8))
    cache.replace(listing(at=5))
    assert names(cache) == ["new"]


def test_a_list_compares_by_uid_and_not_by_name() -> None:
    cache = cache_of_services()
    cache.observe("ADDED", service("a", uid="first", version=3))
    changes = changes_of(cache)
    cache.replace(listing(service("a", uid="second", version=6), at=7))
    assert changes == [("first@3", None), (None, "second@6")]


def test_deleted_and_made_anew_while_the_watch_is_late_gives_two_changes() -> None:
    cache = cache_of_services()
    cache.observe("ADDED", service("a", uid="first", version=3))
    changes = changes_of(cache)
    cache.observe("MODIFIED", service("a", uid="second", version=6))
    cache.observe("DELETED", service("a", uid="first", version=5))
    assert changes == [("first@3", None), (None, "second@6")]


class SlowList(FakeCluster):
    """Lists as of the beginning, and answers a second later."""

    async def list_all(self, resource: resources.ResourceType, label_selector: str = "") -> Listing:
        answer = await super().list_all(resource, label_selector)
        await asyncio.sleep(1)
        return copy.deepcopy(answer)


def stored(name: str, **spec: Any) -> Manifest:
    metadata = {"name": name, "namespace": "ns"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


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


def test_what_leaves_a_filtered_watch_may_come_back() -> None:
    cache = Cache(resources.SERVICES, label_selector="managed")
    cache.observe("ADDED", service("a", version=1))
    cache.observe("DELETED", service("a", version=2))  # somebody took off the label
    cache.observe("MODIFIED", service("a", version=3))  # and Kapsa put it back
    assert names(cache) == ["a"]
    cache.replace(listing(service("a", version=3), at=4))
    assert names(cache) == ["a"]


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


def test_indexes_follow_changes() -> None:
    cache = cache_of_services()
    cache.observe("ADDED", service("a", version=1, colours=("red", "blue")))
    cache.observe("ADDED", service("b", version=2, colours=("red",)))
    assert [m["metadata"]["name"] for m in cache.find("colour", "red")] == ["a", "b"]
    cache.observe("MODIFIED", service("a", version=3, colours=("green",)))
    assert [m["metadata"]["name"] for m in cache.find("colour", "red")] == ["b"]
    assert cache.find("colour", "blue") == []
    cache.observe("DELETED", service("b", version=4))
    assert cache.find("colour", "red") == []
    assert [m["metadata"]["name"] for m in cache.find("colour", "green")] == ["a"]
    cache.replace(listing(at=9))
    assert not cache._found, "an index keeps nothing of what is gone"


def test_looking_does_not_make_entries() -> None:
    cache = cache_of_services()
    for number in range(100):
        assert cache.find("colour", f"{number}") == []
    assert not cache._found


def test_only_what_is_trimmed_is_kept() -> None:
    cache = Cache(resources.SERVICES, trim=lambda m: {**m, "spec": {"kept": True}})
    cache.observe("ADDED", service("a", secret="x"))
    assert [manifest["spec"] for manifest in cache] == [{"kept": True}]


def test_the_record_of_who_set_which_field_is_not_kept() -> None:
    cache, manifest = cache_of_services(), service("a")
    manifest["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    cache.observe("ADDED", manifest)
    assert all("managedFields" not in kept["metadata"] for kept in cache)
    assert "managedFields" in manifest["metadata"], "what was given is left as it is"


def test_a_listener_that_fails_disturbs_neither_the_cache_nor_other_listeners(
    logs: list[MutableMapping[str, Any]],
) -> None:
    cache = cache_of_services()

    def fail(before: Manifest | None, after: Manifest | None) -> None:
        raise KeyError("surprise")

    cache.subscribe(fail)
    changes = changes_of(cache)
    cache.replace(listing(service("a"), service("b"), at=3))
    assert names(cache) == ["a", "b"]
    assert len(changes) == 2
    assert [entry["log_level"] for entry in logs] == ["error", "error"]


def test_an_object_that_can_not_be_indexed_disturbs_no_other(
    logs: list[MutableMapping[str, Any]],
) -> None:
    cache = Cache(resources.SERVICES, indexes={"port": lambda m: [m["spec"]["port"]]})
    cache.replace(listing(service("sick"), service("well", port="1"), at=3))
    cache.observe("MODIFIED", service("sick", version=4, port="2"))
    assert names(cache) == ["sick", "well"]
    assert [m["metadata"]["name"] for m in cache.find("port", "2")] == ["sick"]
    cache.observe("DELETED", service("sick", version=5))
    assert names(cache) == ["well"]


def test_only_one_namespace_is_kept_where_that_was_asked_for() -> None:
    cache = Cache(resources.SERVICES, namespace="ns")
    elsewhere = service("b")
    elsewhere["metadata"]["namespace"] = "other"
    cache.observe("ADDED", elsewhere)
    cache.replace(listing(service("a"), elsewhere, at=3))
    assert names(cache) == ["a"]
