"""What only the operator can judge of a spec: what no schema and no CEL rule can say."""

from collections.abc import Iterator, Sequence
from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.core.hosts.domain import candidate_subdomains
from kapsa.core.hosts.routing_rules import environment_routing_problem, project_routing_problems
from kapsa.core.problems import Problem
from kapsa.core.projects.merge import merge_runtime
from kapsa.core.projects.merge_rules import merge_problems
from kapsa.core.workloads.runtime_rules import runtime_problem
from kapsa.models.domain_pool import DomainPool
from kapsa.models.environment import Environment
from kapsa.models.project import PermanentEnvironment, Project
from kapsa.models.reasons import Reason
from kapsa.utils.durations import parse_duration

_PREVIEWS: Final = "spec.previewEnvironments"


def check_project(project: Project) -> tuple[Problem, ...]:
    """Return what contradicts itself in a Project, in the order of its fields."""
    too_long = tuple(merge_problems(project))
    return too_long or (
        *_runtimes(project),
        *project_routing_problems(project),
        *_circles(project.spec.environments),
        *_lifetime(project),
    )


def check_environment(environment: Environment) -> tuple[Problem, ...]:
    """Return what contradicts itself in an Environment."""
    found = (
        runtime_problem(environment.spec.runtime),
        environment_routing_problem(environment),
    )
    return tuple(filter(None, found))


def check_image(project: Project) -> tuple[Problem, ...]:
    """Return why environments of a Project can never get an image from its template.

    The operator says so of each such environment, and goes on with the previews of pull requests.
    """
    if "{pr}" not in (project.spec.build.image or ""):
        return ()
    without = [
        permanent.name
        for permanent in project.spec.environments
        if permanent.image is None and permanent.promote_from is None
    ]
    previews = project.spec.preview_environments
    if previews.enabled and previews.branches.enabled:
        without.append("previews of branches")
    if not without:
        return ()
    message = (
        f"uses {{pr}}, but no pull request belongs to {' and '.join(without)}; use {{sha}},"
        " {shortSha} or {branch} in the tag instead"
    )
    return (Problem("spec.build.image", message, Reason.TEMPLATE_NEEDS_PULL_REQUEST),)


def check_subdomain(project: Project, pool: DomainPool) -> tuple[Problem, ...]:
    """Return why the Project can't have its subdomain in the pool that it names."""
    domain, meta = project.spec.domain, project.metadata
    asked_for = domain.subdomain if domain else None
    found = candidate_subdomains(
        asked_for, meta.name, meta.namespace, pool, frozenset(pool.spec.base_domains)
    )
    if not isinstance(found, Blocked):
        return ()
    path = "spec.domain.subdomain" if asked_for else "spec.domain"
    return (Problem(path, found.message, found.reason),)


def refusal(problems: Sequence[Problem]) -> Blocked | None:
    """Return what a condition says of the problems; None where there are none."""
    if not problems:
        return None
    first, *others = problems
    more = f" (and {len(others)} more; `kapsa validate` names them all)" if others else ""
    return Blocked(first.reason, f"{first}{more}", stalled=True)


def _runtimes(project: Project) -> Iterator[Problem]:
    """Yield what contradicts itself in the runtimes that run, each where it was said."""
    spec = project.spec
    layers = [
        (permanent.runtime, f"spec.environments[{index}].runtime")
        for index, permanent in enumerate(spec.environments)
    ]
    if spec.preview_environments.enabled:
        layers.append((spec.preview_environments.runtime, f"{_PREVIEWS}.runtime"))
    defaults = runtime_problem(spec.runtime, "spec.runtime")
    found: dict[Problem, None] = {}
    for layer, path in layers:
        problem = runtime_problem(merge_runtime(spec.runtime, layer), path, layer)
        if problem is not None:
            if defaults is not None and defaults.message == problem.message:
                problem = defaults
            found[problem] = None
    yield from found


def _circles(environments: Sequence[PermanentEnvironment]) -> Iterator[Problem]:
    """Yield each circle of promotions once, at the first environment in it."""
    sources = {item.name: item.promote_from for item in environments}
    named: set[str] = set()
    for index, item in enumerate(environments):
        chain = [item.name]
        while (source := sources.get(chain[-1])) is not None and source not in chain:
            chain.append(source)
        if source == item.name and item.name not in named:
            named.update(chain)
            yield Problem(
                f"spec.environments[{index}].promoteFrom",
                f"{' <- '.join((*chain, item.name))} is a circle: nothing ever begins it; let one"
                " of them follow a branch or a tag",
            )


def _lifetime(project: Project) -> Iterator[Problem]:
    previews = project.spec.preview_environments
    ttl, longest = previews.ttl, previews.max_lifetime
    if parse_duration(longest) < parse_duration(ttl):
        yield Problem(
            f"{_PREVIEWS}.maxLifetime",
            f"is {longest}, less than ttl, which is {ttl}; raise maxLifetime or lower ttl",
        )
