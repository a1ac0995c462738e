"""The cache of a kind: whatever order events and lists come in, it ends at the truth."""

from collections.abc import MutableMapping
from typing import Any

from kapsa.adapters import resources
from kapsa.controllers.reconciling.cache import Cache, Manifest
from tests.unit.controllers.cache_rig import cache_of_services, changes_of, listing, names, service


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


def test_what_leaves_a_filtered_watch_may_come_back() -> None:
    cache = Cache(resources.SERVICES, label_selector="managed")
    cache.observe("ADDED", service("a", version=1))
    cache.observe("DELETED", service("a", version=2))  # somebody took off the label
    cache.observe("MODIFIED", service("a", version=3))  # and Kapsa put it back
    assert names(cache) == ["a"]
    cache.replace(listing(service("a", version=3), at=4))
    assert names(cache) == ["a"]


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
