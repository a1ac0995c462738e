"""Which repositories of a registry are whose: what `repositoryTemplate` of a Registry means.

Source of the grammar of paths: https://github.com/distribution/reference/blob/main/reference.go
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.core.problems import Problem
from kapsa.core.registry import registry_mismatch
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry
from kapsa.utils.image_reference import parse_reference

_NAMESPACE: Final = "{namespace}"
_PROJECT: Final = "{project}"
_REPOSITORY: Final = "{imageRepository}"

_FIELD: Final = "spec.registry.imageRepository"


@dataclass(frozen=True)
class Tenant:
    """Who pushes images, or runs them.

    Attributes:
        namespace: Namespace of the Project, or of an Environment that stands alone; nothing where
            a file doesn't say it.
        project: Name of the Project; nothing for an Environment that stands alone.
    """

    namespace: str
    project: str = ""

    @classmethod
    def of(cls, project: Project) -> "Tenant":
        """Return who a Project is."""
        return cls(project.metadata.namespace, project.metadata.name)


def expand(template: str, tenant: Tenant, image_repository: str) -> str:
    """Return the path of a tenant's images: `acme/team-a/shop`.

    Args:
        template: As `spec.repositoryTemplate` of a Registry.
        tenant: Whose images; a placeholder for what isn't known of it stays.
        image_repository: What stands for `{imageRepository}`; it may have several components.
    """
    known = {
        _NAMESPACE: tenant.namespace or _NAMESPACE,
        _PROJECT: tenant.project or _PROJECT,
        _REPOSITORY: image_repository,
    }
    return "/".join(known.get(component, component) for component in template.split("/"))


def fits(template: str, path: str, tenant: Tenant) -> bool:
    """Tell whether a path is one of a tenant's: `expand` gives it for some `{imageRepository}`.

    With `{namespace}` in the template, no path fits two namespaces. Who has no Project may have
    any: nobody is kept from calling a Project so.
    """
    components, wanted = path.split("/"), template.split("/")
    free = wanted.count(_REPOSITORY)
    # Every {imageRepository} is the same text, so its length follows from that of the path.
    length = (len(components) - len(wanted) + free) // (free or 1)

    def found(placeholder: str, size: int) -> str:
        if placeholder not in wanted:
            return ""
        before = wanted[: wanted.index(placeholder)]
        start = len(before) + before.count(_REPOSITORY) * (length - 1)
        return "/".join(components[start : start + size])

    namespace = tenant.namespace or found(_NAMESPACE, 1)
    project = tenant.project or found(_PROJECT, 1)
    name = found(_REPOSITORY, max(length, 0))
    return expand(template, Tenant(namespace, project), name) == path


def image_repository(project: Project, registry: Registry) -> str | Blocked:
    """Return where the images that Kapsa builds for a Project are: `<host>/<path>`, without tag.

    It is a Blocked where the Project may push nothing there, or not what it asks for.
    """
    template = registry.spec.repository_template
    if template is None:
        return _not_allowed(
            f"Registry {registry.metadata.name} has no repositoryTemplate, so nobody pushes there;"
            " ask an admin to set it, or name another Registry in spec.registry"
        )
    problem = next(_unused(project, registry), None)
    if problem is not None:
        return _not_allowed(str(problem))
    said = project.spec.registry
    name = (said.image_repository if said else None) or project.metadata.name
    place = f"{registry.spec.endpoint}/{expand(template, Tenant.of(project), name)}"
    try:
        return parse_reference(place).repository
    except ValueError:
        return _not_allowed(
            f"Registry {registry.metadata.name} would have the images of Project"
            f" {project.metadata.name} at {place}, which is no repository or too long; set another"
            f" {_FIELD}"
        )


def build_repository(project: Project, registry: Registry | Blocked | None) -> str | Blocked:
    """Return `image_repository` of the Registry that a Project names, or why there is none.

    Args:
        project: The Project, whose images Kapsa builds.
        registry: The Registry; why it can't be used; None where the Project names none.
    """
    if isinstance(registry, Blocked):
        return registry
    if registry is None:
        return Blocked(
            Reason.REGISTRY_NOT_FOUND,
            "spec.registry is not set: there is no place for images that Kapsa builds",
            stalled=True,
        )
    return image_repository(project, registry)


def check_repositories(project: Project, registry: Registry) -> tuple[Problem, ...]:
    """Return what a Project says of its images that its Registry doesn't let it have.

    Pins of single environments are not among it: see `check_pins`.
    """
    found = [*_unused(project, registry)]
    template = project.spec.build.image
    if template is not None:
        # Its tag isn't one yet, and doesn't matter.
        refusal = image_refusal(template.rpartition(":")[0], registry, Tenant.of(project))
        if refusal is not None:
            found.append(Problem("spec.build.image", refusal.message, refusal.reason))
    elif not found:
        place = image_repository(project, registry)
        if isinstance(place, Blocked):
            found.append(Problem("spec.registry", place.message, place.reason))
    return tuple(found)


def check_pins(project: Project, registry: Registry) -> tuple[Problem, ...]:
    """Return which images of single environments the Registry doesn't let a Project run.

    The operator says so of each such environment, and goes on with the others.
    """
    refusals = (
        (index, image_refusal(permanent.image, registry, Tenant.of(project)))
        for index, permanent in enumerate(project.spec.environments)
        if permanent.image is not None
    )
    return tuple(
        Problem(f"spec.environments[{index}].image", refusal.message, refusal.reason)
        for index, refusal in refusals
        if refusal is not None
    )


def registry_problems(item: Project | Environment, registry: Registry) -> tuple[Problem, ...]:
    """Return what a Project, or an Environment that stands alone, may not have of its Registry."""
    if isinstance(item, Project):
        return (*check_repositories(item, registry), *check_pins(item, registry))
    refusal = None if item.spec.project_ref else image_problem(item, None, registry)
    return (Problem("spec.image", refusal.message, refusal.reason),) if refusal else ()


def repository_refusal(project: Project, registry: Registry) -> Blocked | None:
    """Return why a Project can't have its images where it says; None where it can."""
    problem = next(iter(check_repositories(project, registry)), None)
    return Blocked(problem.reason, str(problem), stalled=True) if problem else None


def tenant_of(environment: Environment, project: Project | None) -> Tenant:
    """Return for whom an Environment runs: for its Project, where it is believed, or itself."""
    return Tenant.of(project) if project else Tenant(environment.metadata.namespace)


def image_problem(
    environment: Environment, project: Project | None, registry: Registry
) -> Blocked | None:
    """Return why the image is none that the Environment may run; None where it is, or has none.

    Args:
        environment: An Environment that names the Registry.
        project: Its Project; None for one that stands alone.
        registry: The Registry.
    """
    image = environment.spec.image
    return image_refusal(image, registry, tenant_of(environment, project)) if image else None


def image_refusal(reference: str, registry: Registry, tenant: Tenant) -> Blocked | None:
    """Return why an image is none that the tenant may run from the Registry; None where it is."""
    try:
        image = parse_reference(reference)
    except ValueError as error:
        return Blocked(Reason.INVALID_SPEC, f"{reference!r} names no image: {error}", stalled=True)
    mismatch = registry_mismatch(reference, registry)
    template = registry.spec.repository_template
    if mismatch is not None or template is None:
        return mismatch
    if fits(template, image.path, tenant):
        return None
    place = f"{registry.spec.endpoint}/{expand(template, tenant, _REPOSITORY)}"
    who = f"Project {tenant.project}" if tenant.project else f"namespace {tenant.namespace}"
    return _not_allowed(
        f"{image.repository} is not where Registry {registry.metadata.name} has the images of"
        f" {who}, which is {place}; use an image from there"
    )


def _unused(project: Project, registry: Registry) -> Iterator[Problem]:
    """Yield what is wrong with `imageRepository` where the template has no place for it."""
    template, said = registry.spec.repository_template, project.spec.registry
    if template is None or said is None or said.image_repository is None:
        return
    path = expand(template, Tenant.of(project), "")
    if _REPOSITORY in template or said.image_repository == path:
        return
    yield Problem(
        _FIELD,
        f"is {said.image_repository}, but Registry {registry.metadata.name} has the images of"
        f" Project {project.metadata.name} at {path}; leave it out",
        Reason.REPOSITORY_NOT_ALLOWED,
    )


def _not_allowed(message: str) -> Blocked:
    return Blocked(Reason.REPOSITORY_NOT_ALLOWED, message, stalled=True)
