"""Which image a commit needs, and why it must, or need not, be looked up."""

from dataclasses import dataclass

from kapsa.core.conditions import Blocked
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
    """

    commit: str
    reference: str
    current_commit: str = ""
    current_reference: str = ""
    current_image: str = ""


@dataclass(frozen=True)
class BuildDecision:
    """Whether an image must be looked up, and why; `image` is the one to keep otherwise."""

    required: bool
    reasons: tuple[str, ...]
    image: str = ""


def decide_build(known: BuildInput) -> BuildDecision:
    """Decide whether the image of the commit has to be looked up.

    A digest that was found for the same commit under the same tag is kept for good: a tag that is
    pushed again does not change what runs.
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
    return BuildDecision(False, ("the image of this commit is known",), known.current_image)


def expand_template(template: str, *, sha: str, branch: str, pr: int) -> str | Blocked:
    """Return the image that `template` names for a commit.

    Args:
        template: As `spec.build.image`: a reference with `{sha}`, `{shortSha}`, `{branch}`, `{pr}`.
        sha: The commit.
        branch: Its branch; the tag gets its slug, since tags know no slashes.
        pr: Number of its pull request; 0 for none.
    """
    if "{pr}" in template and not pr:
        return Blocked(
            Reason.TEMPLATE_NEEDS_PULL_REQUEST,
            f"spec.build.image is {template!r}, but this environment has no pull request;"
            " use {sha}, {shortSha} or {branch} in the tag instead",
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
