"""What each permanent environment should run: pins first, then what it follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from kapsa.core import labels
from kapsa.core.conditions import Blocked, find
from kapsa.core.projects import naming
from kapsa.core.projects.listings import RefListing
from kapsa.core.projects.plans import Target
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment
from kapsa.models.project import PermanentEnvironment
from kapsa.models.project_status import Available
from kapsa.models.reasons import Reason
from kapsa.utils.versions import newest


@dataclass(frozen=True)
class Sources:
    """What permanent environments can follow.

    Attributes:
        refs: The branches and tags, as last listed.
        existing: The Project's Environments by what they stand for.
    """

    refs: RefListing
    existing: Mapping[naming.Identity, Environment] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What becomes of a permanent environment.

    Attributes:
        told: What it should run; None while there is nothing, or nobody has said so yet.
        offered: What it could run instead, where it waits to be told.
        missing: Why what it follows offers nothing; None where it does, or that isn't known.
    """

    told: Target | None = None
    offered: Target | None = None
    missing: Reason | None = None


def decide(wanted: PermanentEnvironment, known: Sources, before: Available | None) -> Decision:
    """Return what a permanent environment should run.

    `image` wins over `revision`, and both over what it follows; no listing changes what is pinned.
    With `autoSync: false` it keeps what it has, and what it follows is only offered.

    Args:
        wanted: The environment, as the Project's spec says.
        known: What it can follow.
        before: What was offered last: it still is while nothing better is known.
    """
    existing = known.existing.get((naming.PERMANENT, wanted.name))
    pinned = _pinned(wanted, known, existing)
    if wanted.auto_sync and pinned is not None:
        return Decision(told=pinned)
    found = _followed(wanted, known)
    reason = found if isinstance(found, Reason) else None
    if wanted.auto_sync:
        told = found if isinstance(found, Target) else _kept(wanted, existing)
        # What runs was promoted once: its source may well be busy with the next.
        return Decision(told, missing=None if wanted.promote_from and told else reason)
    told = pinned or _kept(wanted, existing)
    offered = found if isinstance(found, Target) else _still_offered(wanted, known, reason, before)
    is_news = offered is not None and not _is_run(offered, told, existing)
    return Decision(told, offered if is_news else None, None if offered else reason)


def _pinned(
    wanted: PermanentEnvironment, known: Sources, existing: Environment | None
) -> Target | None:
    branch = wanted.branch or ""
    if wanted.image is not None:
        commit = _commit_of(wanted.image, known, existing) or wanted.revision or ""
        return Target(commit, branch=branch, image=wanted.image)
    if wanted.revision is not None:
        return Target(wanted.revision, branch=branch)
    return None


def _commit_of(image: str, known: Sources, existing: Environment | None) -> str:
    """Return the commit that an image is of, as the Project's Environments know; or nothing.

    The environment's own word comes first: what others run changes.
    """
    others = sorted(known.existing.values(), key=lambda item: item.metadata.name)
    for environment in filter(None, (existing, *others)):
        for told, commit in _images(environment):
            if told == image and commit:
                return commit
    return ""


def _images(environment: Environment) -> Iterator[tuple[str | None, str | None]]:
    """Yield the images that an Environment is told to run, and runs, with their commits."""
    yield environment.spec.image, environment.spec.commit
    yield environment.status.image, environment.status.commit


def _followed(wanted: PermanentEnvironment, known: Sources) -> Target | Reason | None:
    """Return what the environment follows, or why there is nothing; None where that isn't known."""
    if wanted.promote_from is not None:
        return _promoted(known.existing.get((naming.PERMANENT, wanted.promote_from)))
    if not known.refs.complete:
        return None
    if wanted.tag is not None:
        glob = wanted.tag
        tag = newest(name for name in known.refs.tags if fnmatchcase(name, glob))
        return Reason.TAG_NOT_FOUND if tag is None else Target(known.refs.tags[tag], tag=tag)
    branch = wanted.branch or ""
    sha = known.refs.branches.get(branch)
    return Reason.BRANCH_NOT_FOUND if sha is None else Target(sha, branch=branch)


def _promoted(source: Environment | None) -> Target | Reason:
    """Return what proved itself in another environment: what that one runs and is Ready with."""
    if source is None or source.metadata.deletion_timestamp:
        return Reason.NOTHING_TO_PROMOTE
    ready = find(source.status.conditions, ConditionType.READY)
    if ready is None or ready.status != "True" or not source.status.image:
        return Reason.NOTHING_TO_PROMOTE
    return Target(source.status.commit, image=source.status.image)


def _kept(wanted: PermanentEnvironment, existing: Environment | None) -> Target | None:
    """Return what the environment is told to run already; None where that is nothing."""
    if existing is None or not (existing.spec.commit or existing.spec.image):
        return None
    commit = existing.spec.commit or ""
    branch = wanted.branch or ""
    tag = existing.metadata.annotations.get(labels.TAG, "") if wanted.tag else ""
    image: str | Blocked | None = existing.spec.image
    if wanted.promote_from:
        image = image or Blocked(
            Reason.NOTHING_TO_PROMOTE,
            f"environment {wanted.promote_from}, whose image would be promoted, is not Ready with"
            " one yet",
        )
    elif wanted.auto_sync and commit:
        image = None
    return Target(commit, branch=branch, tag=tag, image=image)


def _still_offered(
    wanted: PermanentEnvironment,
    known: Sources,
    reason: Reason | None,
    before: Available | None,
) -> Target | None:
    """Return what was offered last, where nothing speaks against it."""
    if before is None:
        return None
    if wanted.promote_from is None:
        offered = Target(before.commit, branch=wanted.branch or "", image=before.image or None)
        return None if reason else offered
    # A source that isn't Ready for a moment has proved what it runs nevertheless.
    source = known.existing.get((naming.PERMANENT, wanted.promote_from))
    if source is None or not before.image or source.status.image != before.image:
        return None
    return Target(before.commit, image=before.image)


def _is_run(offered: Target, told: Target | None, existing: Environment | None) -> bool:
    """Tell whether an offer is what the environment is told to run anyway."""
    if told is None:
        return False
    image = told.image
    if image is None and existing is not None and existing.spec.commit == told.commit:
        image = existing.spec.image
    if offered.image is not None and image is not None:
        return offered.image == image
    return bool(offered.commit) and offered.commit == told.commit
