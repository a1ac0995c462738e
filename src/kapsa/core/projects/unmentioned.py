"""Refs that a plan says nothing of, with the reason; a status would not hold them all."""

from collections.abc import Iterable

from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.plans import ProjectPlan, candidate
from kapsa.models.project import ProjectSpec
from kapsa.models.project_status import Candidate
from kapsa.models.reasons import Reason


def unmentioned_refs(
    spec: ProjectSpec, refs: RefListing, pull_requests: PullRequestListing, plan: ProjectPlan
) -> tuple[Candidate, ...]:
    """Return the open pull requests and branches of which `plan` says nothing, and why.

    A branch is spoken of where an Environment follows it, or a candidate has its name.
    """
    told = (*plan.previewed, *plan.skipped)
    branches = {item.ref for item in told} | {
        item.branch for item in (*plan.wanted, *plan.offered) if item.branch
    }
    numbers = {item.pr for item in told}
    rules = spec.preview_environments
    of_branches = (
        Reason.BRANCH_EXCLUDED
        if rules.enabled and rules.branches.enabled
        else Reason.PREVIEWS_DISABLED
    )
    return (
        *_pull_requests(pull_requests, numbers),
        *(
            candidate(name, of_branches, sha=sha)
            for name, sha in sorted(refs.branches.items())
            if name not in branches
        ),
    )


def _pull_requests(listing: PullRequestListing, told: Iterable[int]) -> Iterable[Candidate]:
    """Yield those of which nothing is said: none is, where pull requests get no previews."""
    for item in sorted(listing.items, key=lambda item: item.number):
        if item.number not in told:
            yield candidate(item.head, Reason.PREVIEWS_DISABLED, pr=item.number, sha=item.sha)
