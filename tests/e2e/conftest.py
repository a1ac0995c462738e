"""A laboratory with a real node, a router and a certificate authority: what is deployed opens."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab.certificates import CA_ISSUER, create_ca_issuer
from lab.gateway_api import create_gateway
from lab.node import missing
from lab.operator import OperatorProcess, install
from lab.routing import gateway_pool, ingress_pool
from lab.scenario import admin_objects
from tests.integration.conftest import QUICK, app, new_application

__all__ = ["app", "new_application"]

GATEWAY_DOMAIN = "gateway.localhost"


@pytest.fixture(scope="session")
def real_node() -> None:
    """Skips the test where this machine can't have a real node."""
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def platform(real_node: None) -> Iterator[lab.Platform]:
    """A laboratory with a real node and a router, and Kapsa's CRDs and permissions."""
    with lab.running("routing", node="real") as found:
        install(found)
        yield found


@pytest.fixture(scope="session")
def ca_file(platform: lab.Platform) -> Path:
    """The certificate to verify by what the ClusterIssuer of the laboratory signs."""
    return create_ca_issuer(platform)


@pytest.fixture(scope="session")
def admin(platform: lab.Platform, ca_file: Path) -> lab.Platform:
    """The laboratory, with the Registry `lab`, and the DomainPools `apps` and `gateway`."""
    assert platform.registry is not None
    create_gateway(platform, GATEWAY_DOMAIN, CA_ISSUER)
    made = {item["kind"]: item for item in admin_objects(platform.registry)}
    # A real node has to log in.
    made["Registry"]["spec"]["imagePullSecret"] = {"name": "lab-pull"}
    made["DomainPool"] = ingress_pool("apps", "apps.localhost", CA_ISSUER)
    items = [*made.values(), gateway_pool("gateway", GATEWAY_DOMAIN)]
    manifests = {"apiVersion": "v1", "kind": "List", "items": items}
    platform.kubectl("apply", "-f", "-", input=json.dumps(manifests))
    return platform


@pytest.fixture(scope="module")
def operator(admin: lab.Platform, request: pytest.FixtureRequest) -> Iterator[OperatorProcess]:
    """A running operator for all tests of a file."""
    process = OperatorProcess(admin, QUICK, name=f"e2e-{request.node.path.stem}")
    process.start()
    yield process
    process.stop()
