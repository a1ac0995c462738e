"""Which branches and pull requests the rules of a Project let through."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from kapsa.core.projects.listings import OpenPullRequest
from kapsa.models.project import PullRequestPreviews
from kapsa.models.reasons import Reason


def matches(name: str, include: Iterable[str], exclude: Iterable[str]) -> bool:
    """Tell whether a shell glob of `include` (none: any) matches `name`, and none of `exclude`."""
    included = tuple(include)
    return (not included or any(fnmatchcase(name, glob) for glob in included)) and not any(
        fnmatchcase(name, glob) for glob in exclude
    )


def refuse_pull_request(item: OpenPullRequest, rules: PullRequestPreviews) -> Reason | None:
    """Return why the pull request gets no preview, or nothing where it gets one.

    Labels come before the question of trust, so that a stranger's pull request that nobody wants
    shown is no question at all.
    """
    if rules.labels.include and not any(
        matches(label, rules.labels.include, ()) for label in item.labels
    ):
        return Reason.LABEL_MISSING
    if any(fnmatchcase(label, glob) for label in item.labels for glob in rules.labels.exclude):
        return Reason.LABEL_EXCLUDED
    if item.fork:
        return Reason.FORK
    if item.draft and not rules.drafts:
        return Reason.DRAFT
    if not matches(item.head, rules.heads.include, rules.heads.exclude):
        return Reason.HEAD_EXCLUDED
    return None
