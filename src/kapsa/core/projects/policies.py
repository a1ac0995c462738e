"""Rules over a plan: what is held back, and what must wait for its turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kapsa.core.environments.expiry import expired_for
from kapsa.core.projects import naming
from kapsa.core.projects.plans import Preview, ProjectPlan
from kapsa.models.environment import Environment
from kapsa.models.project_status import Candidate
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
    Project's own spec doesn't want any more (`unwanted`) are not part of this. What is kept counts
    as active, unless it has expired, so that new previews may have to wait.
    """
    vanished = len(plan.vanished)
    suspicious = vanished > _MASS_MINIMUM and vanished * 2 > known.previews
    believed = known.confirmed or (
        known.held_since is not None and known.listed_at - known.held_since >= known.hold
    )
    if not suspicious or believed:
        return plan
    return _within_limit(replace(plan, vanished=(), held=plan.vanished))


def _within_limit(plan: ProjectPlan) -> ProjectPlan:
    """Return the plan without the new previews for which those that are held leave no place."""
    running = sum(naming.is_preview(item.identity) for item in plan.update)
    running += sum(expired_for(item) is None for item in plan.held)
    new = [item.identity for item in plan.create if naming.is_preview(item.identity)]
    waiting = set(new[max(plan.limit - running, 0) :])
    return replace(
        plan,
        create=tuple(item for item in plan.create if item.identity not in waiting),
        previewed=tuple(item for item in plan.previewed if _identity(item) not in waiting),
        skipped=plan.skipped
        + tuple(_queued(item) for item in plan.previewed if _identity(item) in waiting),
    )


def _identity(candidate: Candidate) -> naming.Identity:
    if candidate.pr:
        return (naming.PULL_REQUEST, str(candidate.pr))
    return (naming.BRANCH, candidate.ref)


def _queued(candidate: Candidate) -> Candidate:
    return candidate.model_copy(update={"decision": "Queued", "reason": str(Reason.MAX_ACTIVE)})


def let_rest(
    previews: Sequence[Preview], existing: Mapping[naming.Identity, Environment]
) -> tuple[tuple[Preview, ...], tuple[Candidate, ...]]:
    """Return the previews that live, and a candidate `Expired` for each of the others.

    One that has expired comes back with a new commit, as far as its Project is concerned.

    Args:
        previews: Wanted previews.
        existing: The existing Environments by what they stand for.
    """
    living: list[Preview] = []
    resting: list[Candidate] = []
    for preview in previews:
        environment = existing.get(preview.environment.identity)
        reason = expired_for(environment) if environment else None
        if reason is None or (
            environment and environment.spec.commit != preview.environment.commit
        ):
            living.append(preview)
        else:
            update = {"decision": "Expired", "reason": str(reason)}
            resting.append(preview.candidate.model_copy(update=update))
    return tuple(living), tuple(resting)


def limit_active(
    previews: Sequence[Preview],
    existing: Mapping[naming.Identity, Environment],
    limit: int,
) -> tuple[tuple[Preview, ...], tuple[Candidate, ...]]:
    """Return the previews that may run, and a candidate `Queued` for each of the others.

    Args:
        previews: Wanted previews, oldest first.
        existing: The existing Environments by what they stand for: those that live keep their
            places, in the order in which they got them. One that has expired has no place.
        limit: The most that may run.
    """
    places = {
        identity: item.status.active_since or item.metadata.creation_timestamp
        for identity, item in existing.items()
        if expired_for(item) is None
    }
    ordered = sorted(
        previews,
        key=lambda preview: (
            preview.environment.identity not in places,
            places.get(preview.environment.identity, ""),
        ),
    )
    waiting = tuple(_queued(preview.candidate) for preview in ordered[limit:])
    return tuple(ordered[:limit]), waiting
