"""Why a branch or pull request has no environment, of which the plan itself says nothing."""

import pytest

from kapsa.core.projects.listings import PullRequestListing, RefListing
from kapsa.core.projects.unmentioned import unmentioned_refs
from kapsa.models import Project
from tests.builders import sha
from tests.unit.core.planning import PRODUCTION, Given, pr, shop

REFS = {name: sha(name) for name in ("main", "other", "preview/a", "topic-1")}
BRANCHES = {"enabled": True, "include": ["preview/*"]}


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        pytest.param(
            shop(PRODUCTION, branches=BRANCHES),
            ["other BranchExcluded"],
            id="what is previewed, followed or skipped by a filter is not repeated",
        ),
        pytest.param(
            shop(PRODUCTION),
            ["other PreviewsDisabled", "preview/a PreviewsDisabled"],
            id="branches get no previews unless they are enabled",
        ),
        pytest.param(
            shop(PRODUCTION, branches=BRANCHES, pull_requests={"enabled": False}),
            ["topic-1 #1 PreviewsDisabled", "other BranchExcluded", "topic-1 BranchExcluded"],
            id="pull requests come first",
        ),
        pytest.param(
            shop(enabled=False),
            [
                "topic-1 #1 PreviewsDisabled",
                *(f"{name} PreviewsDisabled" for name in REFS),
            ],
            id="without previews and permanent environments nothing has one",
        ),
    ],
)
def test_each_ref_that_the_plan_leaves_out_has_its_reason(
    project: Project, expected: list[str]
) -> None:
    known = Given(project, branches=REFS, prs=[pr(1)])

    found = unmentioned_refs(
        project.spec, RefListing(REFS, True), PullRequestListing((pr(1),), True), known.plan()
    )

    assert [
        f"{item.ref} #{item.pr} {item.reason}" if item.pr else f"{item.ref} {item.reason}"
        for item in found
    ] == expected
