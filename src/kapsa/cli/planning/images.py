"""The image that an Environment of the plan has: looked up nowhere, and nothing is built for it."""

from kapsa.cli.planning.known import PlanInput
from kapsa.cli.planning.values import UNKNOWN_SOURCE
from kapsa.core import labels
from kapsa.core.builds.keys import build_key, is_built_so, reference_of
from kapsa.core.conditions import Blocked
from kapsa.core.images.repositories import build_repository, repository_refusal
from kapsa.core.projects.images import choose_image
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.core.registry import registry_mismatch
from kapsa.models.environment import Environment
from kapsa.models.project import Project


def image_of(
    known: PlanInput, desired: DesiredEnvironment, existing: Environment | None
) -> tuple[str | Blocked, str]:
    """Return the image and the tag that it is found by; nothing for no tag.

    The image is its tag where only the operator can find its digest, and a Blocked where it would
    look in vain.
    """
    built = _built(known, desired, existing) if is_built(known.project) else None
    choice = choose_image(known.project, desired, existing, built)
    return choice.image or choice.kept or _tag(known, choice.reference), choice.reference


def is_built(project: Project) -> bool:
    """Tell whether Kapsa builds the images of a Project."""
    return project.spec.build.strategy != "prebuilt"


def _built(
    known: PlanInput, desired: DesiredEnvironment, existing: Environment | None
) -> str | Blocked:
    """Return the tag of the image that Kapsa builds of a commit: the old one where that holds."""
    repository = _repository(known)
    if isinstance(repository, Blocked):
        return repository
    build = known.project.spec.build
    if existing is not None and existing.spec.commit == desired.commit:
        before = existing.metadata.annotations.get(labels.IMAGE_REFERENCE, "")
        if is_built_so(before, repository, build):
            return before
    return reference_of(repository, build_key(build, UNKNOWN_SOURCE))


def _repository(known: PlanInput) -> str | Blocked:
    """Return where images are pushed: to a host that nobody has, where the Registry is unknown."""
    project = known.project
    named = project.spec.registry
    if known.registry is None and named is not None:
        return f"{named.name}.invalid/{named.image_repository or project.metadata.name}"
    return build_repository(project, known.registry)


def _tag(known: PlanInput, reference: str) -> str | Blocked:
    """Return the tag for an image that is to be looked up, or why that is in vain."""
    registry = known.registry
    if registry is None:
        return reference
    if isinstance(registry, Blocked):
        return registry
    mismatch = registry_mismatch(reference, registry)
    return mismatch or repository_refusal(known.project, registry) or reference
