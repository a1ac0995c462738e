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

from kapsa.core.builds.orders import BuildOrder, BuildSettings, Origin
from kapsa.core.jobs.releases import release_process
from kapsa.core.manifests.build_job import build_job
from kapsa.core.manifests.build_namespace import build_namespace
from kapsa.core.manifests.build_network_policy import build_network_policy
from kapsa.core.manifests.build_secret import build_secret
from kapsa.core.manifests.certificate import host_certificate, wildcard_certificate
from kapsa.core.manifests.certificate_copy import certificate_copy
from kapsa.core.manifests.claim import Holder, claim
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.copied import copied
from kapsa.core.manifests.cron_job import cron_job
from kapsa.core.manifests.deployment import deployment
from kapsa.core.manifests.environment import EnvironmentContext, environment
from kapsa.core.manifests.event import event
from kapsa.core.manifests.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from kapsa.core.manifests.http_route import http_route
from kapsa.core.manifests.ingress import ingress
from kapsa.core.manifests.job import job
from kapsa.core.manifests.kpack_build import kpack_build
from kapsa.core.manifests.kpack_git_secret import kpack_git_secret
from kapsa.core.manifests.kpack_image import kpack_image
from kapsa.core.manifests.kpack_registry_secret import kpack_registry_secret
from kapsa.core.manifests.kpack_service_account import kpack_service_account
from kapsa.core.manifests.limit_range import limit_range
from kapsa.core.manifests.namespace import namespace
from kapsa.core.manifests.network_policy import network_policy
from kapsa.core.manifests.persistent_volume_claim import persistent_volume_claim
from kapsa.core.manifests.pod import pod_template
from kapsa.core.manifests.pod_disruption_budget import pod_disruption_budget
from kapsa.core.manifests.pull_secret import pull_secret
from kapsa.core.manifests.resource_quota import resource_quota
from kapsa.core.manifests.role_binding import role_binding
from kapsa.core.manifests.service import service
from kapsa.core.manifests.service_account import service_account
from kapsa.core.places import Place, place_of
from kapsa.core.projects.listings import OpenPullRequest, PullRequestListing, RefListing
from kapsa.core.projects.project import ProjectInput, plan_environments
from kapsa.core.transitions import Transition
from kapsa.core.workloads.autoscaling import autoscaler_of
from kapsa.core.workloads.configuration import (
    NO_CONFIGURATION,
    configuration_of,
    references_of,
    source_of,
)
from kapsa.core.workloads.processes import MAIN, Process, processes_of
from kapsa.models import DomainPool, Environment, Project, Registry
from kapsa.models.build import Build
from kapsa.models.domain_pool import GatewayReference, IssuerReference
from tests.orders import build_order, build_secrets

Manifest = dict[str, Any]

GOLDEN = Path(__file__).parent.parent / "golden"
UPDATE = os.environ.get("KAPSA_UPDATE_GOLDEN") == "1"


def workload(given: Manifest) -> WorkloadContext:
    """Return what the builders of an Environment's objects are given."""
    model = Environment.model_validate(given.pop("environment"))
    pool = DomainPool.model_validate(given.pop("pool")) if "pool" in given else None
    read = zip(references_of(model), given.pop("sources", ()), strict=False)
    sources = {reference: source_of(manifest) for reference, manifest in read}
    configuration = (configuration_of(model, sources) if sources else None) or NO_CONFIGURATION
    return WorkloadContext(environment=model, pool=pool, configuration=configuration, **given)


def of_process(build: Callable[[WorkloadContext, Process], Manifest]) -> Callable[..., Manifest]:
    """Return the builder of an object of one process, by default of the main one."""

    def built(given: Manifest) -> Manifest:
        name = given.pop("process", MAIN)
        context = workload(given)
        processes = processes_of(context.environment.spec.runtime)
        return build(context, next(item for item in processes if item.name == name))

    return built


def of_run(given: Manifest) -> Manifest:
    """Return the Job of a run of a process."""
    name, run, seconds = given.pop("process"), given.pop("run"), given.pop("seconds", None)
    context = workload(given)
    runtime = context.environment.spec.runtime
    processes = [*processes_of(runtime), release_process(runtime)]
    process = next(item for item in processes if item and item.name == name)
    return job(context, process, run, seconds)


def planned(given: Manifest) -> Manifest:
    """Return the one Environment that a Project plans for what is listed."""
    project = Project.model_validate(given["project"])
    listing = tuple(OpenPullRequest(**item) for item in given.get("pull_requests", ()))
    plan = plan_environments(
        ProjectInput(
            project=project,
            refs=RefListing(given["branches"], True, tags=given.get("tags", {})),
            pull_requests=PullRequestListing(listing, True),
        )
    )
    (desired,) = plan.create
    return environment(desired, EnvironmentContext(project, **given.get("context", {})))


def claimed(given: Manifest) -> Manifest:
    """Return a claim."""
    return claim(**(given | {"holder": Holder(**given["holder"])}))


def reported(given: Manifest) -> Manifest:
    """Return the Event of a transition."""
    return event(given["regarding"], Transition(**given["transition"]),
                 at=given["at"], instance=given["instance"])  # fmt: skip


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


def copy_of_the_first(given: Manifest) -> Manifest:
    """Return the copy of the first ConfigMap or Secret that an Environment names."""
    context = workload(given)
    return copied(context, context.configuration.copies[0])


def claimed_volume(given: Manifest) -> Manifest:
    context = workload(given)
    (volume,) = context.environment.spec.runtime.volumes
    return persistent_volume_claim(context, volume)


def certified(given: Manifest) -> Manifest:
    """Return the Certificate of a zone, or else of an Environment's host."""
    if "zone" not in given:
        issuer = IssuerReference.model_validate(given.pop("issuer"))
        return host_certificate(workload(given), "shop-pr-7-tls", issuer)
    model = DomainPool.model_validate(given["pool"])
    offered = model.spec.cert_manager
    assert offered is not None
    assert offered.issuer_ref is not None
    return wildcard_certificate(model, given["zone"], offered.issuer_ref, "kapsa-system")


def placed(given: Manifest) -> Place:
    """Return the namespace that something is made for."""
    project = Project.model_validate(given["project"])
    return place_of(project, given.get("environment", ""), given.get("uid", ""))


def pulled_with(given: Manifest) -> Manifest:
    """Return the Secret with which images of a Registry are pulled."""
    return pull_secret(Registry.model_validate(given.pop("registry")), **given)


def offered(given: Manifest) -> DomainPool | None:
    """Return the DomainPool, where there is one."""
    return DomainPool.model_validate(given["pool"]) if "pool" in given else None


def built_by_kpack(given: Manifest) -> Manifest:
    """Return the Image of an order whose builder kpack keeps."""
    order = build_order(**given)
    assert order.build.builder is not None
    return kpack_image(order, order.build.builder)


def ordered(given: Manifest) -> BuildOrder:
    """Return a build."""
    return BuildOrder(
        **given
        | {
            "origin": Origin(**given["origin"]),
            "build": Build.model_validate(given["build"]),
            "settings": BuildSettings(**given["settings"]),
        }
    )


BUILDERS: dict[str, Callable[[Manifest], Manifest]] = {
    "build_job": lambda given: build_job(ordered(given)),
    "build_namespace": lambda given: build_namespace(**given),
    "build_network_policy": lambda given: build_network_policy(**given),
    "build_secret": lambda given: build_secret(ordered(given["order"]), given["files"]),
    "certificate": certified,
    "certificate_copy": lambda given: certificate_copy(**given),
    "claim": claimed,
    "cron_job": of_process(cron_job),
    "copied": copy_of_the_first,
    "deployment": of_process(deployment),
    "environment": planned,
    "event": reported,
    "horizontal_pod_autoscaler": autoscaled,
    "http_route": routed,
    "ingress": lambda given: ingress(workload(given)),
    "job": of_run,
    "kpack_build": lambda given: kpack_build(build_order(**given)),
    "kpack_git_secret": lambda given: kpack_git_secret(build_order(**given), build_secrets()),
    "kpack_image": built_by_kpack,
    "kpack_registry_secret": lambda given: kpack_registry_secret(
        build_order(**given), build_secrets()
    ),
    "kpack_service_account": lambda given: kpack_service_account(build_order(**given)),
    "limit_range": lambda given: limit_range(placed(given), given["limits"]),
    "namespace": lambda given: namespace(Project.model_validate(given.pop("project")), **given),
    "network_policy": lambda given: network_policy(placed(given), offered(given)),
    "persistent_volume_claim": claimed_volume,
    "pod": of_process(pod_template),
    "pod_disruption_budget": of_process(pod_disruption_budget),
    "pull_secret": pulled_with,
    "resource_quota": lambda given: resource_quota(placed(given), given["hard"]),
    "role_binding": lambda given: role_binding(placed(given), given["cluster_role"]),
    "service": of_process(service),
    "service_account": lambda given: service_account(placed(given), given.get("pull_secret", "")),
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
