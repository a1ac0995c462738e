"""Whole manifests, compared with those in tests/unit/golden/<object>/<case>.{in,out}.yaml.

`KAPSA_UPDATE_GOLDEN=1 .venv/bin/pytest tests/unit/core/test_golden.py` writes the `.out.yaml` files
anew: read the difference before you keep it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kapsa.core.autoscaling import autoscaler_of
from kapsa.core.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.manifests.claim import Holder, claim
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.deployment import deployment
from kapsa.core.manifests.environment import EnvironmentContext, environment
from kapsa.core.manifests.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from kapsa.core.manifests.http_route import http_route
from kapsa.core.manifests.ingress import ingress
from kapsa.core.manifests.namespace import namespace, namespace_name
from kapsa.core.manifests.service import service
from kapsa.core.project import ProjectInput, plan_environments
from kapsa.models import Environment, Project
from kapsa.models.domain_pool import GatewayReference

Manifest = dict[str, Any]

GOLDEN = Path(__file__).parent.parent / "golden"
UPDATE = os.environ.get("KAPSA_UPDATE_GOLDEN") == "1"


def workload(given: Manifest) -> WorkloadContext:
    """Return what the builders of an Environment's objects are given."""
    model = Environment.model_validate(given.pop("environment"))
    return WorkloadContext(environment=model, **given)


def planned(given: Manifest) -> Manifest:
    """Return the one Environment that a Project plans for what is listed."""
    project = Project.model_validate(given["project"])
    listing = tuple(OpenPullRequest(**item) for item in given.get("pull_requests", ()))
    plan = plan_environments(
        ProjectInput(
            project=project,
            namespace=namespace_name(project),
            refs=RefListing(given["branches"], True, tags=given.get("tags", {})),
            pull_requests=PullRequestListing(listing, True),
        )
    )
    (desired,) = plan.create
    return environment(desired, EnvironmentContext(project, **given.get("context", {})))


def claimed(given: Manifest) -> Manifest:
    """Return a claim."""
    return claim(**(given | {"holder": Holder(**given["holder"])}))


def routed(given: Manifest) -> Manifest:
    """Return the route at a Gateway."""
    gateway = GatewayReference.model_validate(given.pop("gateway"))
    return http_route(workload(given), gateway)


def autoscaled(given: Manifest) -> Manifest:
    """Return the autoscaler that an Environment's runtime wants."""
    context = workload(given)
    wanted = autoscaler_of(context.environment.spec.runtime)
    assert wanted is not None
    return horizontal_pod_autoscaler(context, wanted)


BUILDERS: dict[str, Callable[[Manifest], Manifest]] = {
    "claim": claimed,
    "deployment": lambda given: deployment(workload(given)),
    "environment": planned,
    "horizontal_pod_autoscaler": autoscaled,
    "http_route": routed,
    "ingress": lambda given: ingress(workload(given)),
    "namespace": lambda given: namespace(Project.model_validate(given["project"])),
    "service": lambda given: service(workload(given)),
}
CASES = sorted(path.relative_to(GOLDEN) for path in GOLDEN.glob("*/*.in.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: str(path).removesuffix(".in.yaml"))
def test_manifests(case: Path) -> None:
    given = yaml.safe_load((GOLDEN / case).read_text(encoding="utf-8"))
    expected = GOLDEN / str(case).replace(".in.yaml", ".out.yaml")

    built = BUILDERS[case.parts[0]](given)

    if UPDATE:
        expected.write_text(yaml.safe_dump(built, sort_keys=False, allow_unicode=True))
    assert yaml.safe_load(expected.read_text(encoding="utf-8")) == built


def test_every_builder_has_cases_and_every_expectation_has_its_input() -> None:
    assert {path.parts[0] for path in CASES} == set(BUILDERS)
    assert {path.name.replace(".out.", ".in.") for path in GOLDEN.glob("*/*.out.yaml")} == {
        path.name for path in CASES
    }


def test_every_manifest_builder_is_covered() -> None:
    package = Path(environment.__code__.co_filename).parent
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "context"}

    assert modules == set(BUILDERS)
