"""Which Environments a Project gets, as a table of sentences."""

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import environment, sha
from tests.unit.core.planning import (
    BRANCHES,
    NAMESPACE,
    PRODUCTION,
    SHOP,
    Given,
    branch_preview,
    permanent,
    pr,
    preview,
    shop,
    short,
    terminating,
)

MAIN = {"main": sha("main")}
STAGING = {"name": "staging", "branch": "main"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            Given(shop(PRODUCTION), prs=[pr(7)]),
            {"create": ["shop-production", "shop-pr-7"]},
            id="the-first-listing-creates-permanent-ones-and-previews",
        ),
        pytest.param(
            Given(shop(branches=BRANCHES), branches=MAIN | {"login": sha("b")}),
            {"create": ["shop-login", "shop-main"]},
            id="branches-get-previews-where-they-are-enabled",
        ),
        pytest.param(
            Given(branches=MAIN | {"preview/a": sha("b")}),
            {},
            id="branches-get-none-by-default",
        ),
        pytest.param(
            Given(prs=[pr(8)], existing=[preview(7), preview(8)]),
            {"update": ["shop-pr-8"], "vanished": ["shop-pr-7"]},
            id="a-closed-pull-request-vanishes",
        ),
        pytest.param(
            Given(shop(branches=BRANCHES), existing=[branch_preview("login")]),
            {"create": ["shop-main"], "vanished": ["shop-login"]},
            id="a-branch-that-is-gone-vanishes",
        ),
        pytest.param(
            Given(existing=[preview(7)], empty_answers=1),
            {"update": ["shop-pr-7"]},
            id="one-empty-listing-deletes-nothing",
        ),
        pytest.param(
            Given(existing=[preview(7)], empty_answers=2),
            {"vanished": ["shop-pr-7"]},
            id="a-second-empty-listing-is-believed",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches=MAIN | {"topic-7": sha(7)},
                existing=[preview(7)],
                empty_answers=1,
            ),
            {"update": ["shop-pr-7"]},
            id="one-empty-listing-gives-no-branch-a-second-preview",
        ),
        pytest.param(
            Given(prs=[pr(8)], prs_complete=False, existing=[preview(7)]),
            {"update": ["shop-pr-7"]},
            id="an-incomplete-listing-creates-and-deletes-nothing",
        ),
        pytest.param(
            Given(
                shop(PRODUCTION, branches=BRANCHES),
                branches=MAIN | {"new": sha("b")},
                refs_complete=False,
                existing=[branch_preview("login")],
            ),
            {"update": ["shop-login"]},
            id="incomplete-refs-create-and-delete-nothing",
        ),
        pytest.param(
            Given(
                shop(PRODUCTION, branches=BRANCHES),
                branches={},
                existing=[branch_preview("login"), permanent("production")],
            ),
            {
                "update": ["shop-production", "shop-login"],
                "skipped": ["main: Skipped BranchNotFound"],
            },
            id="a-repository-without-any-branch-is-not-believed",
        ),
        pytest.param(
            Given(existing=[preview(7, commit=None)], prs_complete=False),
            {},
            id="a-preview-without-a-commit-is-kept-while-the-listing-is-uncertain",
        ),
        pytest.param(
            Given(prs=[pr(7)], existing=[preview(7, commit=None)]),
            {"update": ["shop-pr-7"]},
            id="a-preview-without-a-commit-gets-one",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES, pull_requests={"enabled": False}),
                prs_complete=False,
                branches={"login": sha("b")},
            ),
            {"create": ["shop-login"]},
            id="without-previews-of-pull-requests-nobody-waits-for-the-forge",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"topic-7": sha(7), "other": sha("b")},
                prs=[pr(7)],
            ),
            {
                "create": ["shop-pr-7", "shop-other"],
                "skipped": ["topic-7: Skipped PreviewedAsPullRequest"],
            },
            id="a-branch-with-an-open-pull-request-has-one-preview",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"topic-7": sha(7)},
                prs=[pr(7, draft=True)],
            ),
            {"create": ["shop-topic-7"], "skipped": ["7: Skipped Draft"]},
            id="a-branch-whose-pull-request-is-refused-has-its-own-preview",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"topic-7": sha(7)},
                prs=[pr(7)],
                existing=[branch_preview("topic-7", commit=sha(7))],
            ),
            {
                "create": ["shop-pr-7"],
                "vanished": ["shop-topic-7"],
                "skipped": ["topic-7: Skipped PreviewedAsPullRequest"],
            },
            id="a-pull-request-takes-over-from-the-preview-of-its-branch",
        ),
        pytest.param(
            Given(shop(PRODUCTION, branches=BRANCHES)),
            {
                "create": ["shop-production"],
                "skipped": ["main: Skipped PermanentEnvironment"],
            },
            id="the-branch-of-a-permanent-environment-gets-no-preview",
        ),
        pytest.param(
            Given(existing=[permanent("production"), permanent("staging")], project=shop(STAGING)),
            {"update": ["shop-staging"], "unwanted": ["shop-production"]},
            id="a-permanent-environment-that-the-spec-drops-is-unwanted",
        ),
        pytest.param(
            Given(
                shop({"name": "live", "branch": "main"}),
                existing=[permanent("production")],
            ),
            {"create": ["shop-live"], "unwanted": ["shop-production"]},
            id="a-permanent-environment-of-another-name-is-another-one",
        ),
        pytest.param(
            Given(
                shop({"name": "production", "branch": "release"}),
                existing=[permanent("production")],
            ),
            {
                "update": ["shop-production"],
                "skipped": ["release: Skipped BranchNotFound"],
            },
            id="a-permanent-environment-stays-when-its-branch-is-away",
        ),
        pytest.param(
            Given(
                shop({"name": "production", "branch": "release"}),
                existing=[permanent("production", commit=None)],
            ),
            {"skipped": ["release: Skipped BranchNotFound"]},
            id="a-permanent-environment-without-a-commit-stays-too",
        ),
        pytest.param(
            Given(shop({"name": "production", "branch": "release"})),
            {"skipped": ["release: Skipped BranchNotFound"]},
            id="a-permanent-environment-waits-for-its-branch",
        ),
        pytest.param(
            Given(shop(enabled=False), prs=[pr(7)], existing=[preview(7), preview(8)]),
            {"unwanted": ["shop-pr-7", "shop-pr-8"]},
            id="previews-that-are-switched-off-are-unwanted",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES, pull_requests={"enabled": False}),
                prs=[pr(7)],
                existing=[preview(7)],
            ),
            {"create": ["shop-main"], "unwanted": ["shop-pr-7"]},
            id="previews-of-pull-requests-alone-can-be-switched-off",
        ),
        pytest.param(
            Given(existing=[branch_preview("login")]),
            {"unwanted": ["shop-login"]},
            id="previews-of-branches-alone-can-be-switched-off",
        ),
        pytest.param(
            Given(shop(enabled=False), prs_complete=False, existing=[preview(7)]),
            {"unwanted": ["shop-pr-7"]},
            id="what-the-spec-does-not-want-needs-no-listing-to-go",
        ),
        pytest.param(
            Given(prs=[pr(7)], existing=[terminating(preview(7))]),
            {},
            id="a-pull-request-reopened-while-its-preview-is-deleted-waits",
        ),
        pytest.param(
            Given(existing=[terminating(preview(7))]),
            {},
            id="what-is-being-deleted-is-not-deleted-again",
        ),
        pytest.param(
            Given(shop(PRODUCTION), existing=[terminating(permanent("production"))]),
            {},
            id="a-permanent-environment-that-is-being-deleted-is-made-anew-afterwards",
        ),
        pytest.param(
            Given(
                shop(PRODUCTION),
                existing=[
                    permanent("production"),
                    environment("production", of=SHOP, namespace="team-b", type="permanent"),
                    environment("shop-pr-7", of=SHOP, namespace="team-b", pr=7),
                ],
                prs=[pr(7)],
            ),
            {"create": ["shop-pr-7"], "update": ["shop-production"]},
            id="an-environment-elsewhere-that-names-the-project-is-none-of-it",
        ),
    ],
)
def test_plan_environments(given: Given, expected: dict[str, Any]) -> None:
    assert short(given.plan()) == expected


@pytest.mark.parametrize(
    ("rules", "item", "expected"),
    [
        pytest.param({}, pr(7, fork=True), "Fork", id="from-a-fork"),
        pytest.param({}, pr(7, draft=True), "Draft", id="a-draft"),
        pytest.param({"heads": {"exclude": ["topic-*"]}}, pr(7), "HeadExcluded", id="its-head"),
        pytest.param({"labels": {"include": ["go"]}}, pr(7), "LabelMissing", id="lacks-a-label"),
        pytest.param(
            {"labels": {"exclude": ["no-*"]}},
            pr(7, labels=frozenset({"no-preview"})),
            "LabelExcluded",
            id="has-a-label",
        ),
    ],
)
def test_a_pull_request_that_does_not_fit_is_skipped_with_the_reason(
    rules: dict[str, Any], item: Any, expected: str
) -> None:
    given = Given(shop(pull_requests=rules), prs=[item], existing=[preview(7)])

    assert short(given.plan()) == {
        "vanished": ["shop-pr-7"],
        "skipped": [f"7: Skipped {expected}"],
    }


def test_a_new_commit_is_what_the_environment_should_run() -> None:
    given = Given(
        shop(PRODUCTION),
        branches={"main": sha("new")},
        prs=[pr(7, sha=sha("newer"))],
        existing=[permanent("production"), preview(7)],
    )

    assert {item.name: item.commit for item in given.plan().update} == {
        "shop-production": sha("new"),
        "shop-pr-7": sha("newer"),
    }


def test_an_uncertain_listing_follows_the_spec_at_the_old_commit() -> None:
    given = Given(
        shop({**PRODUCTION, "runtime": {"replicas": 3}}, runtime={"replicas": 2}),
        branches={"main": sha("new")},
        prs=[pr(7, sha=sha("newer"))],
        existing=[permanent("production"), preview(7)],
        refs_complete=False,
        prs_complete=False,
    )

    found = {item.name: (item.commit, item.runtime.replicas) for item in given.plan().update}

    assert found == {"shop-production": (sha("main"), 3), "shop-pr-7": (sha(7), 2)}


def test_refusals_are_told_while_the_listing_is_uncertain_but_not_of_what_is_kept() -> None:
    given = Given(
        prs=[pr(7, draft=True), pr(8, draft=True)], prs_complete=False, existing=[preview(7)]
    )

    assert short(given.plan()) == {"update": ["shop-pr-7"], "skipped": ["8: Skipped Draft"]}


def test_the_desired_environment_says_all_that_the_plan_knows() -> None:
    title = "Log\nin \ud800"
    item = pr(7, "feature/login", title=title, author="ann", url="https://git.example.com/7")

    (desired,) = Given(prs=[item]).plan().create

    assert desired.slug == "pr-7"
    assert desired.namespace == NAMESPACE
    assert desired.branch == "feature/login"
    assert desired.pull_request is not None
    assert desired.pull_request.to_json() == {
        "number": 7,
        "title": "Log in \N{REPLACEMENT CHARACTER}",
        "author": "ann",
        "url": "https://git.example.com/7",
    }


def test_nothing_that_a_forge_says_breaks_a_plan() -> None:
    hostile = "\ud800\n" + "x" * 5000

    plan = Given(
        prs=[
            pr(7, hostile, title=hostile, author=hostile, url=hostile, created=hostile),
            pr(8, hostile, draft=True),
        ]
    ).plan()

    (desired,) = plan.create
    assert len(desired.branch) == 250
    assert desired.pull_request is not None
    assert desired.pull_request.url == ""
    assert [len(item.ref) for item in plan.skipped] == [250]


def test_a_pull_request_whose_head_is_gone_shows_as_a_dash() -> None:
    plan = Given(prs=[replace(pr(7), head="")]).plan()

    assert [item.ref for item in plan.previewed] == ["-"]
