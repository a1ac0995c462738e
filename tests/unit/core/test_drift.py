"""Whether a live object is what was wanted."""

from typing import Any

import pytest

from kapsa.core import labels
from kapsa.core.drift import differences, needs_apply, stamp

MANIFEST: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "annotations": {"note": "x"}},
    "spec": {"size": 1},
}
REQUESTS = {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}


def listed(key: str, *items: Any) -> dict[str, Any]:
    """Return a map with one list."""
    return {key: list(items)}


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, id="what-the-server-adds-is-its-own"),
        pytest.param({"a": {}}, {}, id="an-empty-map-may-be-missing"),
        pytest.param({"a": []}, {"a": None}, id="an-empty-list-may-be-null"),
        pytest.param({"a": None}, {}, id="null-may-be-missing"),
        pytest.param({"a": (1, 2)}, {"a": [1, 2]}, id="tuples-are-lists"),
        pytest.param(
            REQUESTS,
            {"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}},
            id="quantities-mean-the-same",
        ),
        pytest.param(
            {"requests": {"cpu": "1"}}, {"requests": {"cpu": 1}}, id="a-quantity-may-be-a-number"
        ),
        pytest.param(
            listed("limits", {"type": "Container", "max": {"memory": "1Gi"}}),
            listed(
                "limits",
                {"type": "Container", "max": {"memory": "1024Mi"}, "default": {"memory": "1Gi"}},
            ),
            id="limits-are-defaulted-and-mean-the-same",
        ),
        pytest.param(
            listed("env", {"name": "A"}, {"name": "B"}),
            listed("env", {"name": "B"}, {"name": "X"}, {"name": "A"}),
            id="named-items-are-found-wherever-they-are",
        ),
        pytest.param(
            listed("ports", {"containerPort": 80, "name": "a"}),
            listed("ports", {"containerPort": 80, "name": "a", "protocol": "TCP", "hostPort": 0}),
            id="items-are-defaulted-too",
        ),
        pytest.param(
            listed("ports", {"containerPort": 53, "name": "a", "protocol": "TCP"}),
            listed(
                "ports",
                {"containerPort": 53, "name": "a", "protocol": "TCP"},
                {"containerPort": 53, "name": "b", "protocol": "UDP"},
            ),
            id="a-port-of-the-same-number-is-another-item",
        ),
        pytest.param(
            listed("topologySpreadConstraints", {"topologyKey": "host"}, {"topologyKey": "zone"}),
            listed(
                "topologySpreadConstraints",
                {"topologyKey": "rack"},
                {"topologyKey": "host"},
                {"topologyKey": "zone"},
            ),
            id="somebody-spreads-the-pods-over-more",
        ),
        pytest.param(
            listed("rules", {"host": "a", "http": listed("paths", {"path": "/"})}),
            listed("rules", {"host": "a", "http": listed("paths", {"path": "/", "extra": 1})}),
            id="items-of-atomic-lists-are-defaulted-too",
        ),
    ],
)
def test_what_means_the_same_is_no_difference(desired: Any, live: Any) -> None:
    assert differences(desired, live) == []


@pytest.mark.parametrize(
    ("desired", "live", "expected"),
    [
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, [".a.b"], id="another-value"),
        pytest.param({"a": {"b": 1}}, {"a": {}}, [".a.b"], id="a-missing-field"),
        pytest.param({"a": {"b": 1}}, {}, [".a"], id="a-missing-map"),
        pytest.param({"a": {"b": 1}}, {"a": "text"}, [".a"], id="a-map-that-is-text"),
        pytest.param({"a": []}, {"a": [1]}, [".a"], id="a-list-that-should-be-empty"),
        pytest.param({"a": [1, 2]}, {"a": [2, 1]}, [".a[0]", ".a[1]"], id="the-order-of-values"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, [".a"], id="one-value-too-many"),
        pytest.param(
            {"podSelector": {}},
            {"podSelector": {"matchLabels": {"a": "b"}}},
            [".podSelector"],
            id="a-selector-that-somebody-narrows",
        ),
        pytest.param(
            {"selector": {"a": "b"}},
            {"selector": {"a": "b", "c": "d"}},
            [".selector"],
            id="one-label-too-many-in-a-selector",
        ),
        pytest.param(
            listed("subjects", {"kind": "User", "name": "jane"}),
            listed("subjects", {"kind": "User", "name": "jane"}, {"kind": "User", "name": "x"}),
            [".subjects"],
            id="one-person-too-many",
        ),
        pytest.param(
            listed("limits", {"type": "Container", "max": {"memory": "1Gi"}}),
            listed("limits", {"type": "Container", "max": {"memory": "2Gi"}}),
            [".limits[0].max.memory"],
            id="another-limit",
        ),
        pytest.param({"a": [1]}, {"a": {"0": 1}}, [".a"], id="a-list-that-is-a-map"),
        pytest.param(
            REQUESTS,
            {"resources": {"requests": {"cpu": "501m", "memory": "1G"}}},
            [".resources.requests.cpu", ".resources.requests.memory"],
            id="other-quantities",
        ),
        pytest.param(
            {"limits": {"cpu": "1"}}, {"limits": {"cpu": "much"}}, [".limits.cpu"], id="no-quantity"
        ),
        pytest.param(
            {"version": "1"}, {"version": "1.0"}, [".version"], id="only-quantities-are-quantities"
        ),
        pytest.param(
            listed("env", {"name": "A", "value": "1"}),
            listed("env", {"name": "A", "value": "2"}),
            [".env[name=A].value"],
            id="a-named-item-that-differs",
        ),
        pytest.param(
            listed("env", {"name": "A"}), listed("env"), [".env[name=A]"], id="a-named-item-missing"
        ),
        pytest.param(
            listed("ports", {"port": 80, "targetPort": "a"}, {"port": 81, "targetPort": "b"}),
            listed("ports", {"port": 81, "targetPort": "x"}, {"port": 80, "targetPort": "a"}),
            [".ports[port=81].targetPort"],
            id="ports-are-told-apart-by-number",
        ),
        pytest.param(
            listed("rules", {"host": "a"}),
            listed("rules", {"host": "a"}, {"host": "evil"}),
            [".rules"],
            id="a-rule-that-somebody-added-to-an-atomic-list",
        ),
        pytest.param(
            listed("metrics", {"type": "Resource"}),
            listed("metrics", {"type": "Resource"}, {"type": "Pods"}),
            [".metrics"],
            id="a-metric-that-somebody-added",
        ),
        pytest.param(
            listed("tls", {"hosts": ["a"]}),
            listed("tls", {"hosts": ["b"]}),
            [".tls[0].hosts[0]"],
            id="items-that-nothing-identifies-are-compared-in-order",
        ),
        pytest.param({"a": 0}, {}, [".a"], id="zero-is-a-value"),
        pytest.param({"a": False}, {}, [".a"], id="false-is-a-value"),
        pytest.param({"a": ""}, {}, [".a"], id="empty-text-is-a-value"),
    ],
)
def test_a_difference_is_named_by_its_path(desired: Any, live: Any, expected: list[str]) -> None:
    assert differences(desired, live) == expected


def test_a_stamp_adds_one_annotation_and_changes_nothing_else() -> None:
    stamped = stamp(MANIFEST)

    annotations = stamped["metadata"]["annotations"]
    assert set(annotations) == {"note", labels.APPLIED}
    assert MANIFEST["metadata"]["annotations"] == {"note": "x"}
    assert {**stamped, "metadata": MANIFEST["metadata"]} == MANIFEST


def test_a_stamp_depends_on_what_is_said_and_not_on_the_order() -> None:
    turned = dict(reversed(MANIFEST.items()))

    assert stamp(turned)["metadata"] == stamp(MANIFEST)["metadata"]
    assert stamp({**MANIFEST, "spec": {}})["metadata"] != stamp(MANIFEST)["metadata"]


def test_what_was_applied_is_not_applied_again() -> None:
    live = stamp(MANIFEST)
    live["metadata"] = {**live["metadata"], "uid": "1", "labels": {"other": "s"}}

    assert not needs_apply(stamp(MANIFEST), live)


def test_what_is_missing_is_applied() -> None:
    assert needs_apply(stamp(MANIFEST), None)


def test_what_was_never_stamped_is_applied() -> None:
    assert needs_apply(stamp(MANIFEST), MANIFEST)


def test_a_field_that_is_not_wanted_any_more_is_given_up() -> None:
    live = stamp({**MANIFEST, "spec": {"size": 1, "colour": "red"}})

    assert needs_apply(stamp(MANIFEST), live)


@pytest.mark.parametrize(
    "added",
    [
        pytest.param({"matches": [{"path": {"value": "/"}}, {"path": {"value": "/x"}}]}, id="path"),
        pytest.param({"backendRefs": [{"name": "web"}, {"name": "theirs"}]}, id="backend"),
        pytest.param({"filters": [{"type": "A"}, {"type": "B"}]}, id="filter"),
    ],
)
def test_what_somebody_adds_to_a_rule_of_an_http_route_is_a_difference(
    added: dict[str, Any],
) -> None:
    rule = {
        "matches": [{"path": {"value": "/"}}],
        "backendRefs": [{"name": "web"}],
        "filters": [{"type": "A"}],
    }

    assert differences({"rules": [rule]}, {"rules": [rule]}) == []
    (field,) = added
    assert differences({"rules": [rule]}, {"rules": [rule | added]}) == [f".rules[0].{field}"]
