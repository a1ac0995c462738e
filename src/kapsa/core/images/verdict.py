"""What a registry said when it was asked for what Kapsa needs there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kapsa.core.conditions import Blocked, find
from kapsa.core.images.rights import PUSH, Right, rights_of
from kapsa.models.conditions import ConditionType
from kapsa.models.project import Project
from kapsa.models.reasons import Reason
from kapsa.models.registry import Registry

CLOUDS: Final = frozenset({"ecr", "gcr", "acr"})
"""Types of registries whose passwords come from the cloud where there is no Secret."""

_SILENT: Final = frozenset(
    {Reason.REGISTRY_UNREACHABLE, Reason.REGISTRY_REFUSED, Reason.RATE_LIMITED}
)
_SAID: Final = _SILENT | {
    Reason.REGISTRY_UNAUTHORIZED,
    Reason.NO_CLOUD_CREDENTIALS,
    Reason.SECRET_NOT_FOUND,
    Reason.SECRET_INVALID,
}
"""Reasons that only asking the registry shows to be gone."""
_SHOWN: Final = 3


@dataclass(frozen=True)
class Verdict:
    """What is known of a registry.

    Attributes:
        problem: Why nothing at all can be done there; None where something can.
        refused: Rights that it doesn't give, with its words.
    """

    problem: Blocked | None = None
    refused: Mapping[Right, str] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool | None:
        """Whether the registry answered as one does; None where it wasn't asked."""
        if self.problem is None or self.problem.reason == Reason.REGISTRY_UNAUTHORIZED:
            return True
        return False if self.problem.reason in _SILENT else None

    def trouble(self, name: str) -> Blocked | None:
        """Return what is wrong with the Registry of that name, for its own status."""
        if self.problem is not None or not self.refused:
            return self.problem
        return _refusal(name, self.refused)


def registry_trouble(
    project: Project, registry: Registry, verdict: Verdict | None
) -> Blocked | None:
    """Return why a Project can't do what it must at the Registry that it names; None where it can.

    Args:
        project: The Project.
        registry: Its Registry.
        verdict: What the registry said; None where it was not asked since the operator began:
            then what the Project's status says still holds.
    """
    needed = rights_of(project, registry)
    if any(right.actions == PUSH for right in needed):
        refusal = push_refusal(registry)
        if refusal is not None:
            return refusal
    if verdict is None:
        return _remembered(project)
    if verdict.problem is not None:
        return verdict.problem
    refused = {right: verdict.refused[right] for right in needed if right in verdict.refused}
    return _refusal(registry.metadata.name, refused) if refused else None


def push_refusal(registry: Registry) -> Blocked | None:
    """Return why nobody can push to the Registry; None where somebody can."""
    if registry.spec.auth is not None or registry.spec.type in CLOUDS:
        return None
    return Blocked(
        Reason.SECRET_NOT_FOUND,
        f"Registry {registry.metadata.name} has no spec.auth, so nobody can push to it; name a"
        " Secret there whose credentials may",
        stalled=True,
    )


def _refusal(name: str, refused: Mapping[Right, str]) -> Blocked:
    said = [
        f"{'push to' if right.actions == PUSH else 'pull'} {right.repository}: {words}"
        for right, words in sorted(refused.items())
    ]
    more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return Blocked(
        Reason.REGISTRY_UNAUTHORIZED,
        f"Registry {name} does not let Kapsa {'; '.join(said[:_SHOWN])}{more}",
        stalled=True,
    )


def _remembered(project: Project) -> Blocked | None:
    before = find(project.status.conditions, ConditionType.REGISTRY_READY)
    if before is None or before.status != "False" or before.reason not in _SAID:
        return None
    stalled = find(project.status.conditions, ConditionType.STALLED)
    is_stalled = stalled is not None and stalled.reason == before.reason
    return Blocked(before.reason, before.message, is_stalled)
