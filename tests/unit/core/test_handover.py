"""When another field manager has to hold the number of pods."""

from typing import Any

import pytest

from kapsa.core.handover import beginning, held, leaves_out


def deployment(replicas: int | None = None, *managed: dict[str, Any]) -> dict[str, Any]:
    """Return a Deployment of so many pods, with those entries of `managedFields`."""
    spec: dict[str, Any] = {"paused": True}
    metadata = {"name": "web", "namespace": "team-a", "uid": "u", "managedFields": list(managed)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": spec if replicas is None else spec | {"replicas": replicas},
    }


def claim(storage_class: str = "") -> dict[str, Any]:
    """Return a PersistentVolumeClaim of that class."""
    spec = {"storageClassName": storage_class} if storage_class else {}
    metadata = {"name": "web-data", "namespace": "team-a", "uid": "u"}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def entry(manager: str = "kapsa", operation: str = "Apply", **more: Any) -> dict[str, Any]:
    """Return an entry of `managedFields` that owns the number of pods, among others."""
    fields: dict[str, Any] = {"f:spec": {"f:paused": {}, "f:replicas": {}}}
    return {"manager": manager, "operation": operation, "fieldsV1": fields} | more


@pytest.mark.parametrize(
    ("desired", "live", "expected"),
    [
        pytest.param(deployment(), deployment(3), True, id="left-out"),
        pytest.param(deployment(3), deployment(3), False, id="said"),
        pytest.param(deployment(0), deployment(3), False, id="said-to-be-none"),
        pytest.param(deployment(), deployment(1), False, id="one-is-what-it-falls-back-to"),
        pytest.param(deployment(), deployment(0), False, id="none-wakes-up-with-one"),
        pytest.param(deployment(), deployment(), False, id="nobody-ever-said"),
        pytest.param(
            deployment() | {"kind": "Service"}, deployment(3), False, id="another-kind-of-object"
        ),
        pytest.param(claim(), claim("fast"), True, id="the-class-of-a-volume"),
        pytest.param(claim("fast"), claim("fast"), False, id="the-class-is-said"),
        pytest.param(claim(), claim(), False, id="a-volume-without-a-class"),
    ],
)
def test_what_has_to_stay_is_noticed_where_it_is_left_out(
    desired: Any, live: Any, expected: bool
) -> None:
    assert leaves_out(desired, live) is expected


@pytest.mark.parametrize(
    ("managed", "is_held"),
    [
        pytest.param([entry()], True, id="kapsa-applied-it"),
        pytest.param([entry("other"), entry()], True, id="beside-another"),
        pytest.param([], False, id="nobody-owns-it"),
        pytest.param([entry("kubectl", "Update")], False, id="somebody-scaled-it"),
        pytest.param([entry("kapsa-handover")], False, id="it-was-handed-over-already"),
        pytest.param([entry(operation="Update")], False, id="it-was-no-apply"),
        pytest.param([entry(subresource="scale")], False, id="by-the-subresource"),
        pytest.param(
            [entry(fieldsV1={"f:spec": {"f:paused": {}}})], False, id="kapsa-applied-the-rest"
        ),
        pytest.param([entry(fieldsV1={"f:metadata": {}})], False, id="nothing-of-the-spec"),
    ],
)
def test_the_number_is_held_where_kapsas_apply_would_drop_it(
    managed: list[dict[str, Any]], is_held: bool
) -> None:
    assert held(deployment(3, *managed), "kapsa") == (
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "team-a"},
            "spec": {"replicas": 3},
        }
        if is_held
        else None
    )


def test_nothing_is_held_of_what_is_gone() -> None:
    assert held(None, "kapsa") is None


def autoscaler(target: str = "web", fewest: int = 3) -> dict[str, Any]:
    """Return a HorizontalPodAutoscaler that keeps so many pods of a Deployment."""
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": target}, "minReplicas": fewest}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": target}, "spec": spec}


def test_what_an_autoscaler_scales_begins_with_the_fewest_pods() -> None:
    wanted = deployment()
    assert beginning(wanted, [autoscaler("other"), wanted, autoscaler()]) == deployment(3)
    assert "replicas" not in wanted["spec"]


@pytest.mark.parametrize(
    ("wanted", "beside"),
    [
        pytest.param(deployment(), autoscaler("other"), id="another-is-scaled"),
        pytest.param(deployment(1), autoscaler(), id="the-number-is-said"),
        pytest.param(deployment(), autoscaler(fewest=1), id="one-is-the-default"),
        pytest.param(claim("fast"), autoscaler(), id="not-a-deployment"),
    ],
)
def test_all_else_begins_as_it_is_to_stay(wanted: dict[str, Any], beside: dict[str, Any]) -> None:
    assert beginning(wanted, [wanted, beside]) is wanted
