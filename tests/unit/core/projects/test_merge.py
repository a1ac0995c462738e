"""How an environment's values go over its Project's."""

from typing import Any

import pytest

from kapsa.core.projects.merge import merge_ingress, merge_runtime
from kapsa.models.ingress import Ingress
from kapsa.models.runtime import Runtime

PORT = {"name": "http", "containerPort": 8080}


def env(**values: str) -> list[dict[str, str]]:
    """Return variables as manifests list them."""
    return [{"name": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([], {}, id="nothing-gives-nothing"),
        pytest.param(
            [{"replicas": 2}, {"replicas": 0}], {"replicas": 0}, id="the-last-scalar-replaces"
        ),
        pytest.param(
            [{"replicas": 2}, {"replicas": None}], {"replicas": 2}, id="null-leaves-it-alone"
        ),
        pytest.param([{"replicas": 2}, {}], {"replicas": 2}, id="what-is-left-out-stays"),
        pytest.param(
            [
                {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}},
                {"resources": {"requests": {"cpu": "2"}, "limits": {"memory": "2Gi"}}},
            ],
            {
                "resources": {
                    "requests": {"cpu": "2", "memory": "1Gi"},
                    "limits": {"memory": "2Gi"},
                }
            },
            id="maps-merge",
        ),
        pytest.param(
            [{"command": ["a", "b"]}, {"command": ["c"]}], {"command": ["c"]}, id="lists-replace"
        ),
        pytest.param([{"command": ["a"]}, {"command": []}], {}, id="even-by-nothing"),
        pytest.param(
            [{"env": env(A="1", B="2")}, {"env": env(B="3", C="4")}],
            {"env": env(A="1", B="3", C="4")},
            id="named-items-merge-by-name-in-order",
        ),
        pytest.param([{"env": env(A="1")}, {"env": []}], {"env": env(A="1")}, id="also-by-nothing"),
        pytest.param(
            [{"env": env(A="1")}, {"env": env(A="")}],
            {"env": [{"name": "A"}]},
            id="empty-is-a-value",
        ),
        pytest.param([{}, {"env": env(A="1")}], {"env": env(A="1")}, id="over-nothing"),
        pytest.param(
            [
                {"ports": [PORT, {"name": "metrics", "containerPort": 9090}]},
                {"ports": [{"containerPort": 3000}]},
            ],
            {
                "ports": [
                    {"name": "http", "containerPort": 3000, "protocol": "TCP"},
                    {"name": "metrics", "containerPort": 9090, "protocol": "TCP"},
                ]
            },
            id="a-port-without-a-name-is-the-default-one",
        ),
        pytest.param(
            [
                {"probes": {"liveness": {"path": "/a", "periodSeconds": 9}, "startup": {}}},
                {"probes": {"liveness": {"path": "/b"}, "readiness": {"port": "http"}}},
            ],
            {
                "probes": {
                    "liveness": {"path": "/b", "periodSeconds": 9},
                    "readiness": {"port": "http"},
                    "startup": {},
                }
            },
            id="probes-merge-field-by-field",
        ),
        pytest.param(
            [
                {"autoscaling": {"enabled": True, "targetCPUUtilization": 60}},
                {"autoscaling": {"maxReplicas": 9}},
                {"autoscaling": {"enabled": False}},
            ],
            {"autoscaling": {"enabled": False, "targetCPUUtilization": 60, "maxReplicas": 9}},
            id="autoscaling-merges-and-is-switched-off-again",
        ),
        pytest.param(
            [{"replicas": 1}, None, {"args": ["x"]}],
            {"replicas": 1, "args": ["x"]},
            id="a-layer-may-be-missing",
        ),
    ],
)
def test_merge_runtime(layers: list[dict[str, Any] | None], expected: dict[str, Any]) -> None:
    runtimes = [None if layer is None else Runtime.model_validate(layer) for layer in layers]

    assert merge_runtime(*runtimes).to_json() == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([], {}, id="nothing-gives-nothing"),
        pytest.param([{"enabled": False}, {"enabled": True}], {"enabled": True}, id="scalars"),
        pytest.param([{"paths": ["/a", "/b"]}, {"paths": ["/c"]}], {"paths": ["/c"]}, id="lists"),
        pytest.param([{"paths": ["/a"]}, {"paths": []}], {}, id="lists-that-are-emptied"),
        pytest.param(
            [{"annotations": {"a": "1", "b": "1"}}, {"annotations": {"b": "2"}}],
            {"annotations": {"a": "1", "b": "2"}},
            id="maps",
        ),
        pytest.param(
            [{"tls": {"secretName": "shop"}}, None, {"tls": {"enabled": False}}],
            {"tls": {"secretName": "shop", "enabled": False}},
            id="what-is-below",
        ),
    ],
)
def test_ingresses_merge_likewise(layers: list[Any], expected: dict[str, Any]) -> None:
    said = [None if layer is None else Ingress.model_validate(layer) for layer in layers]
    assert merge_ingress(*said).to_json() == expected
