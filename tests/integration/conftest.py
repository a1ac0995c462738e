"""The laboratory that the integration tests share, and an operator for each test."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

import lab
from lab.gateway_api import install_gateway_api
from lab.httpclient import request
from lab.operator import OperatorProcess, install
from lab.scenario import Application, admin_objects, application

_names = itertools.count(1)

QUICK = {
    "KAPSA_MIN_POLL_INTERVAL": "1",
    "KAPSA_IMAGE_RETRY_INTERVAL": "1",
    "KAPSA_MAX_IMAGE_RETRY_INTERVAL": "1",
    "KAPSA_REGISTRY_RETRY_INTERVAL": "2",
    "KAPSA_LOG_FORMAT": "console",
}
"""Settings that make a test's minutes seconds; what they speed up is only how often Kapsa looks."""


@pytest.fixture(scope="session")
def platform() -> Iterator[lab.Platform]:
    """A laboratory with Gateway API's CRDs, and Kapsa's CRDs and permissions."""
    with lab.running("test") as found:
        install_gateway_api(found)
        install(found)
        yield found


@pytest.fixture(scope="session")
def admin(platform: lab.Platform) -> lab.Platform:
    """The laboratory, with the DomainPool `apps` and the Registry `lab`."""
    assert platform.registry is not None
    items = {"apiVersion": "v1", "kind": "List", "items": list(admin_objects(platform.registry))}
    platform.kubectl("apply", "-f", "-", input=json.dumps(items))
    return platform


@pytest.fixture
def operator(admin: lab.Platform, request: pytest.FixtureRequest) -> Iterator[OperatorProcess]:
    """A running operator; a test may stop, kill and start it."""
    process = OperatorProcess(admin, QUICK, name=request.node.name[:80].replace("/", "-"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def shared_operator(
    admin: lab.Platform, request: pytest.FixtureRequest
) -> Iterator[OperatorProcess]:
    """A running operator for all tests of a file; a test that stops it starts it again."""
    process = OperatorProcess(admin, QUICK, name=request.node.path.stem)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def new_application(admin: lab.Platform) -> Iterator[Callable[..., Application]]:
    """Makes applications in namespaces of their own; their Projects are gone afterwards."""
    with ExitStack() as stack:
        made: list[Application] = []

        def make(name: str = "shop", namespace: str = "") -> Application:
            team = namespace or f"team-{next(_names)}"
            app = stack.enter_context(application(admin, name, team))
            made.append(app)
            app.apply(*app.team())
            return app

        yield make
        for app in made:
            # At once, and not when the namespace gets to it: they hold names that others want.
            admin.kubectl("delete", "projects,environments", "--all", "-n", app.namespace)
            admin.kubectl(
                "delete", "namespace", app.namespace, "--wait=false", "--ignore-not-found"
            )


@pytest.fixture
def app(new_application: Callable[..., Application]) -> Application:
    """An application called `shop`, with nothing in its repository yet."""
    return new_application()


def polls(operator: OperatorProcess) -> float:
    """Return how many times the operator has read a repository: its clock, for those who wait."""
    return metric(operator, "kapsa_git_poll_total")


def metric(operator: OperatorProcess, name: str) -> float:
    """Return the sum of a metric over its labels; 0 where there is none of that name."""
    text = request("GET", f"{operator.address}/metrics").body.decode()
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]
    return float(sum(sample.value for sample in samples))
