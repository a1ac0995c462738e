"""What contradicts itself in a spec, and where."""

from dataclasses import dataclass

from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class Problem:
    """Something that a person must change.

    Attributes:
        path: The field, as the API server writes it: `spec.environments[0].name`,
            `spec.runtime.resources.limits[cpu]`; nothing for the object as a whole.
        message: What is wrong with it, and what to do.
        reason: The reason that a condition has for it.
    """

    path: str
    message: str
    reason: Reason | str = Reason.INVALID_SPEC

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message
