"""The status of a Registry."""

from kapsa.core.conditions import READY, Blocked, conditions_of, found, missing, progress
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry, RegistryStatus


def registry_status(registry: Registry, problem: Blocked | None, now: str) -> RegistryStatus:
    """Return the status of a Registry; `problem` is why it can't be used, None where it can."""
    generation = registry.metadata.generation
    ready = (
        missing(READY, problem)
        if problem
        else found(READY, Reason.REGISTRY_READY, f"{registry.spec.endpoint} can be used")
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
