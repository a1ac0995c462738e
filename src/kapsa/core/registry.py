"""A Registry: its status, and which images are on it."""

from kapsa.core.conditions import Blocked, conditions_of, found, missing, progress
from kapsa.models.conditions import ConditionType
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry, RegistryStatus
from kapsa.utils.image_reference import parse_reference


def registry_status(registry: Registry, problem: Blocked | None, now: str) -> RegistryStatus:
    """Return the status of a Registry; `problem` is why it can't be used, None where it can."""
    generation = registry.metadata.generation
    ready = (
        missing(ConditionType.READY, problem)
        if problem
        else found(
            ConditionType.READY, Reason.REGISTRY_READY, f"{registry.spec.endpoint} can be used"
        )
    )
    return RegistryStatus(
        observed_generation=generation,
        conditions=conditions_of(
            (ready, *progress(problem)),
            registry.status.conditions,
            generation=generation,
            now=now,
        ),
    )


def registry_mismatch(reference: str, registry: Registry) -> Blocked | None:
    """Return why an image can't be looked up at the Registry; None where it can."""
    if parse_reference(reference).host == registry.spec.endpoint:
        return None
    return Blocked(
        Reason.REGISTRY_MISMATCH,
        f"image {reference} is not on Registry {registry.metadata.name}, whose endpoint is"
        f" {registry.spec.endpoint}; correct spec.build.image or spec.registry.name",
        stalled=True,
    )
