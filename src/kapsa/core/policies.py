"""Rules over a plan: what is held back, and what must wait for its turn."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from kapsa.core.plans import Preview, ProjectPlan
from kapsa.models.project import Candidate
from kapsa.models.reasons import Reason

_MASS_MINIMUM = 3


@dataclass(frozen=True)
class HoldInput:
    """What `hold_mass_deletion` goes by.

    Attributes:
        previews: Number of previews that exist.
        held_since: Unix time at which a mass disappearance was first seen; None for never.
        listed_at: Unix time of the listing that the plan is made from.
        hold: Seconds for which a mass disappearance must last before it is believed.
        confirmed: Whether a person asked for a reconciliation now.
    """

    previews: int
    held_since: float | None
    listed_at: float
    hold: float
    confirmed: bool = False


def hold_mass_deletion(plan: ProjectPlan, known: HoldInput) -> ProjectPlan:
    """Return the plan, without its deletions where they look like a fault of the forge.

    More than half of the previews vanishing at once, and more than three, are kept until a listing
    taken `hold` seconds later says the same, or a person confirms it. Environments that the
    Project's own spec doesn't want any more (`unwanted`) are not part of this.
    """
    vanished = len(plan.vanished)
    suspicious = vanished > _MASS_MINIMUM and vanished * 2 > known.previews
    believed = known.confirmed or (
        known.held_since is not None and known.listed_at - known.held_since >= known.hold
    )
    if not suspicious or believed:
        return plan
    return replace(plan, vanished=(), held=plan.vanished)


def limit_active(
    previews: Sequence[Preview], existing: AbstractSet[str], limit: int
) -> tuple[tuple[Preview, ...], tuple[Candidate, ...]]:
    """Return the previews that may run, and a candidate `Queued` for each of the others.

    Args:
        previews: Wanted previews, oldest first.
        existing: Names of those that exist: they keep their places.
        limit: The most that may run.
    """
    ordered = sorted(previews, key=lambda preview: preview.environment.name not in existing)
    waiting = tuple(
        preview.candidate.model_copy(
            update={"decision": "Queued", "reason": str(Reason.MAX_ACTIVE)}
        )
        for preview in ordered[limit:]
    )
    return tuple(ordered[:limit]), waiting
