"""Which part of a live object an apply changes: what is wanted, and what is given up."""

import copy
from typing import Any

import pytest

from kapsa.core.live_part import live_part

DESIRED: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"a": "1"}},
    "spec": {
        "strategy": {"type": "RollingUpdate"},
        "containers": [
            {"name": "web", "image": "x:1", "resources": {"limits": {"memory": "0.5Gi"}}}
        ],
        "args": ["a", "b"],
    },
}
CONTAINER = 'k:{"name":"web"}'
PROXY = 'k:{"name":"proxy"}'


def live(**changes: Any) -> dict[str, Any]:
    """Return DESIRED as the API server has it, with what it and others put in."""
    found = copy.deepcopy(DESIRED)
    found["metadata"] |= {"uid": "1", "generation": 3, "managedFields": []}
    found["spec"]["paused"] = False
    found["spec"]["containers"].append({"name": "sidecar", "image": "mesh"})
    found["spec"]["containers"][0]["resources"]["limits"]["memory"] = "512Mi"
    found["spec"] |= changes
    found["status"] = {"replicas": 1}
    return found


def owned(
    manifest: dict[str, Any], spec: dict[str, Any], manager: str = "kapsa", **entry: Any
) -> None:
    """Note in `managedFields` that a manager owns fields of the spec."""
    fields = {"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": spec}, **entry}
    manifest["metadata"]["managedFields"].append(fields)


def test_where_nothing_differs_it_is_what_is_desired() -> None:
    assert live_part(DESIRED, live(), "kapsa") == DESIRED


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        pytest.param({"args": ["a"]}, {"args": ["a"]}, id="another-value"),
        pytest.param({"strategy": {"type": "Recreate"}}, None, id="below"),
        pytest.param({"strategy": "odd"}, None, id="of-another-type"),
        pytest.param(
            {"containers": [{"name": "web", "image": "x:2", "tty": True}]},
            {"containers": [{"name": "web", "image": "x:2"}]},
            id="in-an-item-of-a-list-without-what-is-others",
        ),
        pytest.param(
            {"containers": [{"name": "other"}]}, {"containers": []}, id="an-item-that-is-missing"
        ),
    ],
)
def test_what_differs_is_as_it_is_live(
    changes: dict[str, Any], part: dict[str, Any] | None
) -> None:
    found = live_part(DESIRED, live(**changes), "kapsa")

    assert found == {**DESIRED, "spec": {**DESIRED["spec"], **(part or changes)}}


def test_a_wanted_field_that_is_missing_is_not_there() -> None:
    found = live()
    del found["spec"]["args"]

    assert "args" not in live_part(DESIRED, found, "kapsa")["spec"]


def test_what_was_applied_and_is_wanted_no_more_is_given_up() -> None:
    found = live(paused=True, minReadySeconds=5)
    found["spec"]["containers"].append({"name": "proxy", "image": "p", "tty": True})
    found["spec"]["containers"][0] |= {"command": ["run"], "stdin": True}
    items: dict[str, Any] = {
        CONTAINER: {".": {}, "f:command": {}},
        PROXY: {".": {}, "f:name": {}, "f:image": {}},
    }
    owned(found, {"f:minReadySeconds": {}, "f:containers": items})

    spec = live_part(DESIRED, found, "kapsa")["spec"]

    assert spec["minReadySeconds"] == 5
    assert "paused" not in spec
    assert spec["containers"] == [
        {**DESIRED["spec"]["containers"][0], "command": ["run"]},
        {"name": "proxy", "image": "p"},
    ]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"manager": "kubectl"}, id="of-somebody-else"),
        pytest.param({"operation": "Update"}, id="by-an-update"),
        pytest.param({"subresource": "status"}, id="of-the-status"),
    ],
)
def test_only_what_the_manager_itself_applied_can_be_given_up(entry: dict[str, Any]) -> None:
    found = live(minReadySeconds=5)
    owned(found, {"f:minReadySeconds": {}}, **entry)

    assert live_part(DESIRED, found, "kapsa") == DESIRED


def test_what_somebody_else_owns_too_stays() -> None:
    found = live(minReadySeconds=5)
    owned(found, {"f:minReadySeconds": {}})
    owned(found, {"f:minReadySeconds": {}}, manager="autopilot", operation="Update")

    assert live_part(DESIRED, found, "kapsa") == DESIRED


def test_the_number_of_pods_is_handed_over_and_never_given_up() -> None:
    found = live(replicas=5)
    owned(found, {"f:replicas": {}})

    assert live_part(DESIRED, found, "kapsa") == DESIRED
