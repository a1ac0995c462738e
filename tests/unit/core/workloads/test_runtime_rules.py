"""What the merged layers of a runtime may not say together."""

from typing import Any

import pytest

from kapsa.core.workloads.autoscaling import Autoscaler, autoscaler_of
from kapsa.core.workloads.process_rules import process_problem
from kapsa.core.workloads.runtime_rules import autoscaling_problem, runtime_problem
from kapsa.models.runtime import Runtime

HTTP = {"name": "http", "containerPort": 8080}
ADMIN = {"name": "admin", "containerPort": 9000}
DNS = {"name": "dns", "containerPort": 53, "protocol": "UDP"}


def runtime(**said: Any) -> Runtime:
    return Runtime.model_validate(said)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="nothing-said"),
        pytest.param({"probes": {}}, id="no-probe"),
        pytest.param({"ports": [DNS]}, id="no-probe-of-a-udp-port"),
        pytest.param({"probes": {"liveness": {}}}, id="the-default-port"),
        pytest.param({"probes": {"liveness": {"port": "http"}}}, id="the-default-port-by-name"),
        pytest.param({"ports": [ADMIN], "probes": {"startup": {}}}, id="the-first-port"),
        pytest.param(
            {"ports": [DNS, ADMIN], "probes": {"readiness": {"port": "admin"}}}, id="another-port"
        ),
    ],
)
def test_a_probe_may_ask_any_tcp_port(said: dict[str, Any]) -> None:
    assert process_problem(runtime(**said)) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            {"probes": {"liveness": {"port": "admin"}}},
            "spec.runtime.probes.liveness.port: the container has no port called admin;"
            " name one of: http",
            id="not-the-default-port",
        ),
        pytest.param(
            {"ports": [HTTP, DNS, ADMIN], "probes": {"readiness": {"port": "metrics"}}},
            "spec.runtime.probes.readiness.port: the container has no port called metrics;"
            " name one of: http, admin",
            id="none-of-several",
        ),
        pytest.param(
            {"ports": [DNS, HTTP], "probes": {"startup": {"path": "/healthz"}}},
            "spec.runtime.probes.startup.port: port dns is UDP, which no probe asks;"
            " name one of: http",
            id="the-first-port-is-udp",
        ),
        pytest.param(
            {"ports": [HTTP, DNS], "probes": {"liveness": {}, "startup": {"port": "dns"}}},
            "spec.runtime.probes.startup.port: port dns is UDP, which no probe asks;"
            " name one of: http",
            id="a-udp-port-by-name",
        ),
        pytest.param(
            {"ports": [DNS], "probes": {"liveness": {}}},
            "spec.runtime.probes.liveness.port: port dns is UDP, which no probe asks;"
            " add a TCP port",
            id="there-is-no-tcp-port",
        ),
    ],
)
def test_a_probe_of_any_other_port_is_told_what_to_do(said: dict[str, Any], expected: str) -> None:
    assert str(process_problem(runtime(**said))) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(None, None, id="nothing-said"),
        pytest.param({}, None, id="not-enabled"),
        pytest.param({"enabled": False, "minReplicas": 2}, None, id="switched-off"),
        pytest.param({"enabled": True}, Autoscaler(1, 5, 80), id="defaults"),
        pytest.param(
            {"enabled": True, "minReplicas": 2, "maxReplicas": 9, "targetCPUUtilization": 60},
            Autoscaler(2, 9, 60),
            id="all-said",
        ),
    ],
)
def test_autoscaler_of(said: dict[str, Any] | None, expected: Autoscaler | None) -> None:
    assert autoscaler_of(runtime(autoscaling=said)) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"enabled": True, "minReplicas": 5}, None, id="as-few-as-most"),
        pytest.param({"minReplicas": 6}, None, id="off-nobody-cares"),
        pytest.param(
            {"enabled": True, "minReplicas": 6},
            "spec.runtime.autoscaling.minReplicas: is 6, more than maxReplicas, which is 5 by"
            " default; lower minReplicas or raise maxReplicas",
            id="more-than-the-default",
        ),
    ],
)
def test_bounds_that_contradict_each_other(said: dict[str, Any], expected: str | None) -> None:
    found = autoscaling_problem(runtime(autoscaling=said))

    assert (str(found) if found else None) == expected


def test_a_message_names_the_place_that_it_is_given() -> None:
    wrong = runtime(probes={"liveness": {"port": "x"}}, autoscaling={"enabled": True})

    assert str(runtime_problem(wrong, "spec.environments[0].runtime")).startswith(
        "spec.environments[0].runtime.probes.liveness.port: "
    )
