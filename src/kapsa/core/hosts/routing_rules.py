"""What the routing of an environment must fulfil beyond its schema: of the merged layers."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from kapsa.core.hosts.domain import own_host_refusal
from kapsa.core.hosts.routing import annotation_advice, destinations, refused_annotations
from kapsa.core.problems import Problem
from kapsa.core.projects.merge import merge_ingress, merge_runtime
from kapsa.core.workloads.processes import main_process
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.ingress import Ingress
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime

_NEEDS_DOMAIN: Final = (
    "a host of one's own is routed as a DomainPool says; name one in spec.domain.domainPoolRef"
)


def routing_problem(runtime: Runtime, ingress: Ingress, path: str = "spec") -> Problem | None:
    """Return what contradicts itself in a merged runtime and ingress; None where nothing does.

    Args:
        runtime: What all layers of the runtime give together.
        ingress: What all layers of the ingress give together.
        path: Where both are.
    """
    return (
        _address(ingress, path)
        or _main_paths(runtime, ingress, path)
        or _twice(runtime, ingress, path)
    )


def environment_routing_problem(environment: Environment) -> Problem | None:
    """Return what contradicts itself in the routing of an Environment."""
    spec = environment.spec
    problem = routing_problem(spec.runtime, spec.ingress)
    if problem is None and spec.ingress.host and spec.domain is None:
        problem = Problem("spec.ingress.host", _NEEDS_DOMAIN)
    return problem


def project_routing_problems(project: Project) -> Iterator[Problem]:
    """Yield what contradicts itself in the routing of a Project's environments, each once."""
    spec = project.spec
    layers = [
        (item.runtime, item.ingress, f"spec.environments[{index}]")
        for index, item in enumerate(spec.environments)
    ]
    previews = spec.preview_environments
    if previews.enabled:
        layers.append((previews.runtime, previews.ingress, "spec.previewEnvironments"))
    defaults = routing_problem(spec.runtime, spec.ingress)
    found: dict[Problem, None] = {}
    for runtime, ingress, path in layers:
        problem = routing_problem(
            merge_runtime(spec.runtime, runtime), merge_ingress(spec.ingress, ingress), path
        )
        if problem is not None:
            if defaults is not None and defaults.message == problem.message:
                problem = defaults
            found[problem] = None
    yield from found
    yield from _own_hosts(project)


def pool_routing_problems(item: Project | Environment, pool: DomainPool) -> Iterator[Problem]:
    """Yield what the DomainPool that an object names doesn't allow it, each where it was said."""
    for ingress, path in _said(item):
        refused = refused_annotations(ingress, pool.spec.routing)
        if refused:
            yield Problem(
                f"{path}.annotations",
                annotation_advice(refused, pool),
                Reason.ANNOTATION_NOT_ALLOWED,
            )
        refusal = own_host_refusal(ingress.host, pool.spec.base_domains) if ingress.host else None
        if refusal is not None:
            yield Problem(f"{path}.host", refusal.message, refusal.reason)


def _said(item: Project | Environment) -> Iterator[tuple[Ingress, str]]:
    """Yield each layer of the ingress, and where it is."""
    yield item.spec.ingress, "spec.ingress"
    if isinstance(item, Project):
        for index, permanent in enumerate(item.spec.environments):
            if permanent.ingress is not None:
                yield permanent.ingress, f"spec.environments[{index}].ingress"
        if item.spec.preview_environments.ingress is not None:
            yield item.spec.preview_environments.ingress, "spec.previewEnvironments.ingress"


def _own_hosts(project: Project) -> Iterator[Problem]:
    holders: dict[str, str] = {}
    for index, item in enumerate(project.spec.environments):
        host = item.ingress.host if item.ingress else None
        if host is None:
            continue
        where = f"spec.environments[{index}].ingress.host"
        if project.spec.domain is None:
            yield Problem(where, _NEEDS_DOMAIN)
        elif host in holders:
            yield Problem(
                where, f"environment {holders[host]} has {host} already; only one can have a host"
            )
        holders.setdefault(host, item.name)


def _address(ingress: Ingress, path: str) -> Problem | None:
    try:
        ip_address(ingress.host or "")
    except ValueError:
        return None
    return Problem(
        f"{path}.ingress.host",
        f"{ingress.host} is an address, which no route can lead; it must be a name",
    )


def _main_paths(runtime: Runtime, ingress: Ingress, path: str) -> Problem | None:
    kind = main_process(runtime).kind
    if kind == "web" or not ingress.paths:
        return None
    return Problem(
        f"{path}.ingress.paths",
        f"lead to the main process, which is a {kind} and answers no requests; leave them out, or"
        " set runtime.kind to web",
    )


def _twice(runtime: Runtime, ingress: Ingress, path: str) -> Problem | None:
    holders: dict[str, str] = {}
    for destination in destinations(runtime, ingress):
        name = destination.process.name
        for claimed in destination.paths:
            other = holders.setdefault(claimed, name)
            if other != name:
                return Problem(
                    f"{path}.runtime.processes",
                    f"{claimed} leads to process {other} and to process {name}; leave it to one of"
                    " them",
                )
    return None
