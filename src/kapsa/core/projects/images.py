"""Which image a commit needs, and why it must, or need not, be looked up."""

from dataclasses import dataclass

from kapsa.core import labels
from kapsa.core.builds.keys import is_built_so
from kapsa.core.conditions import Blocked
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.core.projects.tag_looks import follows_tag
from kapsa.models.environment import Environment
from kapsa.models.project import Project
from kapsa.models.project_status import Available
from kapsa.models.reasons import Reason
from kapsa.utils.image_reference import parse_reference
from kapsa.utils.names import slug

_SHORT_SHA = 7


@dataclass(frozen=True)
class BuildInput:
    """What is known about the image of one environment.

    Attributes:
        commit: The commit that should run.
        reference: The tag that the image of this commit has.
        current_commit: The commit that the Environment names now, or nothing.
        current_reference: The tag that its image was looked up by, or nothing.
        current_image: The image that it names now, or nothing.
        follows_tag: Whether the tag may move, and the Environment with it.
    """

    commit: str
    reference: str
    current_commit: str = ""
    current_reference: str = ""
    current_image: str = ""
    follows_tag: bool = False


@dataclass(frozen=True)
class BuildDecision:
    """Whether an image must be looked up, and why; `image` is the one to keep otherwise.

    Where both is said, the image is kept if none is found.
    """

    required: bool
    reasons: tuple[str, ...]
    image: str = ""


@dataclass(frozen=True)
class ImageChoice:
    """The image of a desired Environment.

    Attributes:
        image: The image by its digest, or why there is none; None where it has to be looked up.
        reference: The tag that it was, or is to be, looked up by; nothing for none.
        follows_tag: Whether it is to be looked up again and again, since the tag may move.
        kept: The image that stays where none is found; nothing for none.
        trouble: Why nobody can tell now whether `image` is still the one to run; None where that is
            certain.
    """

    image: str | Blocked | None
    reference: str = ""
    follows_tag: bool = False
    kept: str = ""
    trouble: Blocked | None = None


@dataclass(frozen=True)
class _Current:
    commit: str = ""
    reference: str = ""
    image: str = ""


def choose_image(
    project: Project,
    desired: DesiredEnvironment,
    existing: Environment | None,
    built: str | Blocked | None = None,
) -> ImageChoice:
    """Return the image of a desired Environment, as far as it needs no look at the registry.

    Args:
        project: The Project, whose template names images.
        desired: The Environment that should be.
        existing: The Environment of that name; None where there is none.
        built: The tag of the image that Kapsa builds of the commit, or why that isn't known; None
            where it builds none.
    """
    current = _current(existing)
    target = desired.target
    if target.image is not None:
        is_same = target.image == current.image
        return ImageChoice(target.image, current.reference if is_same else "")
    if isinstance(built, Blocked):
        return _remembered_build(project, desired, current, built)
    reference = image_reference(project, desired) if built is None else built
    if isinstance(reference, Blocked):
        return ImageChoice(reference)
    if built is not None and current.image and current.reference == reference:
        # The tag is made of what is built: whatever the commit, it is the same.
        return ImageChoice(current.image, reference)
    follows = follows_tag(project, desired)
    decision = decide_build(
        BuildInput(
            commit=desired.commit,
            reference=reference,
            current_commit=current.commit,
            current_reference=current.reference,
            current_image=current.image,
            follows_tag=follows,
        )
    )
    if not decision.required:
        return ImageChoice(decision.image, reference)
    return ImageChoice(None, reference, follows, decision.image)


def _remembered_build(
    project: Project, desired: DesiredEnvironment, current: _Current, why: Blocked
) -> ImageChoice:
    """Return what was built of the same commit by the same words, where its tag isn't known now.

    No obstacle changes what the commit runs. The tag is kept where there is no image yet: it needs
    no look at the commit once the obstacle is gone.
    """
    repository, _, tag = current.reference.rpartition(":")
    is_same = is_built_so(current.reference, repository, project.spec.build)
    if current.commit != desired.commit or not tag or not is_same:
        return ImageChoice(why)
    if not current.image:
        return ImageChoice(why, current.reference)
    return ImageChoice(current.image, current.reference, trouble=why)


def remembered_image(before: Available | None, commit: str, reference: str) -> str:
    """Return the image that was found for an offer before; nothing where it must be looked up.

    Args:
        before: What was offered last.
        commit: The commit that is offered.
        reference: The tag that its image has.
    """
    if before is None or before.commit != commit:
        return ""
    repository = parse_reference(reference).repository
    return before.image if before.image.startswith(f"{repository}@") else ""


def _current(existing: Environment | None) -> _Current:
    if existing is None:
        return _Current()
    return _Current(
        commit=existing.spec.commit or "",
        reference=existing.metadata.annotations.get(labels.IMAGE_REFERENCE, ""),
        image=existing.spec.image or "",
    )


def decide_build(known: BuildInput) -> BuildDecision:
    """Decide whether the image of the commit has to be looked up.

    A digest that was found for the same commit under a tag made of the commit is kept for good:
    pushing that tag again does not change what runs.
    """
    reasons = []
    if known.current_commit != known.commit:
        reasons.append("the commit is new")
    if known.current_reference != known.reference:
        reasons.append("the image's tag is new")
    if not known.current_image:
        reasons.append("the image was not found yet")
    if reasons:
        return BuildDecision(True, tuple(reasons))
    if known.follows_tag:
        return BuildDecision(True, ("the image's tag may have moved",), known.current_image)
    return BuildDecision(False, ("the image of this commit is known",), known.current_image)


def image_reference(project: Project, desired: DesiredEnvironment) -> str | Blocked:
    """Return the tag that the image of a desired Environment has, or why it can have none."""
    return expand_template(
        project.spec.build.image or "",
        sha=desired.commit,
        branch=desired.branch or desired.target.tag,
        pr=desired.pull_request.number if desired.pull_request else 0,
    )


def expand_template(template: str, *, sha: str, branch: str, pr: int) -> str | Blocked:
    """Return the image that `template` names for a commit.

    Args:
        template: As `spec.build.image`: a reference with `{sha}`, `{shortSha}`, `{branch}`, `{pr}`.
        sha: The commit.
        branch: Its branch, or its tag in the repository; the image's tag gets its slug, since that
            knows no slashes. Nothing for neither.
        pr: Number of its pull request; 0 for none.
    """
    if "{pr}" in template and not pr:
        return Blocked(
            Reason.TEMPLATE_NEEDS_PULL_REQUEST,
            f"spec.build.image is {template!r}, but this environment has no pull request;"
            " use {sha}, {shortSha} or {branch} in the tag instead",
            stalled=True,
        )
    if "{branch}" in template and not branch:
        return Blocked(
            Reason.TEMPLATE_NEEDS_BRANCH,
            f"spec.build.image is {template!r}, but this environment follows no branch and no tag;"
            " use {sha} or {shortSha} in the tag instead",
            stalled=True,
        )
    reference = (
        template.replace("{sha}", sha)
        .replace("{shortSha}", sha[:_SHORT_SHA])
        .replace("{branch}", slug(branch))
        .replace("{pr}", str(pr))
    )
    try:
        parse_reference(reference)
    except ValueError as error:
        return Blocked(
            Reason.INVALID_SPEC,
            f"spec.build.image gives {reference!r}, which names no image: {error}",
            stalled=True,
        )
    return reference
