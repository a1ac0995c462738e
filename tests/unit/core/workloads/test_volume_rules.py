"""What the merged layers may say of volumes."""

from typing import Any

import pytest

from kapsa.core.workloads.runtime_rules import runtime_problem
from kapsa.models.runtime import Runtime

DATA = {"name": "data", "mountPath": "/data"}
MORE = {"name": "more", "mountPath": "/more"}


def runtime(**said: Any) -> Runtime:
    return Runtime.model_validate({"volumes": [DATA]} | said)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="a-path-is-enough"),
        pytest.param({"volumes": [DATA, MORE]}, id="several"),
        pytest.param({"replicas": 1}, id="one-pod"),
        pytest.param({"replicas": 0}, id="no-pod"),
        pytest.param({"autoscaling": {"enabled": False}}, id="the-load-decides-nothing"),
        pytest.param({"volumes": [], "replicas": 3}, id="several-pods-without-a-volume"),
        pytest.param({"processes": [{"name": "worker", "replicas": 3}]}, id="several-workers"),
        pytest.param({"configRefs": [{"name": "a", "mountPath": "/etc/a"}]}, id="files-elsewhere"),
        pytest.param({"kind": "job"}, id="of-a-job"),
    ],
)
def test_volumes_are_fine_for_one_pod_at_paths_of_their_own(said: dict[str, Any]) -> None:
    assert runtime_problem(runtime(**said)) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            {"volumes": [DATA, {"name": "more"}]},
            "spec.runtime.volumes[1].mountPath: is missing; say where volume more shows",
            id="no-layer-says-where",
        ),
        pytest.param(
            {"volumes": [DATA, MORE | {"mountPath": "/data"}]},
            "spec.runtime.volumes[1].mountPath: is /data, where data shows already; choose another"
            " path",
            id="two-at-one-path",
        ),
        pytest.param(
            {"secretRefs": [{"name": "keys", "mountPath": "/data"}]},
            "spec.runtime.volumes[0].mountPath: is /data, where keys shows already; choose another"
            " path",
            id="over-a-secret",
        ),
        pytest.param(
            {"volumes": [DATA | {"size": "0Gi"}]},
            "spec.runtime.volumes[0].size: is 0; say how large it is, such as 1Gi",
            id="nothing-to-write-on",
        ),
        pytest.param(
            {"replicas": 2},
            "spec.runtime.replicas: is 2, and only one pod at a time can have the volumes; set it"
            " to 1",
            id="two-pods",
        ),
        pytest.param(
            {"autoscaling": {"enabled": True}},
            "spec.runtime.autoscaling.enabled: is true, and only one pod at a time can have the"
            " volumes; set it to false",
            id="the-load-decides",
        ),
        pytest.param(
            {"kind": "cron", "schedule": "@daily", "volumes": [{"name": "data"}]},
            "spec.runtime.volumes[0].mountPath: is missing; say where volume data shows",
            id="of-a-cron-too",
        ),
    ],
)
def test_volumes_that_cannot_be_are_named(said: dict[str, Any], expected: str) -> None:
    assert str(runtime_problem(runtime(**said))) == expected
