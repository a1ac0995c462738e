"""`maxActive`: who runs and who waits."""

from typing import Any

import pytest

from tests.builders import CREATED, sha
from tests.unit.core.planning import (
    BRANCHES,
    PRODUCTION,
    Given,
    branch_preview,
    permanent,
    pr,
    preview,
    shop,
    short,
    terminating,
)

OLD = {"creationTimestamp": "2025-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            Given(
                shop(maxActive=2),
                prs=[
                    pr(7, created="2026-03-01T00:00:00Z"),
                    pr(8, created="2026-02-01T00:00:00Z"),
                    pr(9, created="2026-01-01T00:00:00Z"),
                ],
            ),
            {"create": ["shop-pr-9", "shop-pr-8"], "skipped": ["7: Queued MaxActive"]},
            id="the-newest-waits",
        ),
        pytest.param(
            Given(
                shop(maxActive=1),
                prs=[
                    pr(7, created="2026-01-01T01:30:00+02:00"),
                    pr(8, created="2026-01-01T00:30:00+00:00"),
                ],
            ),
            {"create": ["shop-pr-7"], "skipped": ["8: Queued MaxActive"]},
            id="times-of-several-zones-are-compared-as-times",
        ),
        pytest.param(
            Given(shop(maxActive=1), prs=[pr(10), pr(9)]),
            {"create": ["shop-pr-9"], "skipped": ["10: Queued MaxActive"]},
            id="without-times-the-lower-number-is-the-older",
        ),
        pytest.param(
            Given(shop(maxActive=1), prs=[pr(7), pr(8)], existing=[preview(8)]),
            {"update": ["shop-pr-8"], "skipped": ["7: Queued MaxActive"]},
            id="what-exists-keeps-its-place-before-an-older-one",
        ),
        pytest.param(
            Given(shop(maxActive=1), prs=[pr(7), pr(8)], existing=[preview(7), preview(8)]),
            {
                "update": ["shop-pr-7"],
                "unwanted": ["shop-pr-8"],
                "skipped": ["8: Queued MaxActive"],
            },
            id="a-lower-limit-takes-the-newest-away",
        ),
        pytest.param(
            Given(
                shop(maxActive=1),
                prs_complete=False,
                existing=[preview(9), preview(8), preview(7, metadata=OLD)],
            ),
            {
                "update": ["shop-pr-7"],
                "unwanted": ["shop-pr-9", "shop-pr-8"],
                "skipped": ["8: Queued MaxActive", "9: Queued MaxActive"],
            },
            id="a-lower-limit-needs-no-listing",
        ),
        pytest.param(
            Given(shop(PRODUCTION, maxActive=0), prs=[pr(7)], existing=[permanent("production")]),
            {"update": ["shop-production"], "skipped": ["7: Queued MaxActive"]},
            id="permanent-environments-are-not-counted",
        ),
        pytest.param(
            Given(
                shop(maxActive=1),
                prs=[pr(7), pr(8)],
                existing=[terminating(preview(8))],
            ),
            {"skipped": ["7: Queued MaxActive"]},
            id="a-reopened-one-keeps-its-place-while-it-is-cleaned-up",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES, maxActive=1),
                branches={"a": sha("a")},
                prs=[pr(7)],
            ),
            {"create": ["shop-pr-7"], "skipped": ["a: Queued MaxActive"]},
            id="pull-requests-come-before-branches",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES, maxActive=1),
                branches={"topic-8": sha(8)},
                prs=[pr(7), pr(8)],
            ),
            {
                "create": ["shop-pr-7"],
                "skipped": ["topic-8: Skipped PreviewedAsPullRequest", "8: Queued MaxActive"],
            },
            id="a-waiting-pull-request-gets-no-preview-through-its-branch",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES, maxActive=1),
                branches={"a": sha("a"), "z": sha("z")},
                existing=[branch_preview("z", metadata={"creationTimestamp": CREATED})],
            ),
            {"update": ["shop-z"], "skipped": ["a: Queued MaxActive"]},
            id="a-branch-keeps-its-place-too",
        ),
    ],
)
def test_max_active(given: Given, expected: dict[str, Any]) -> None:
    assert short(given.plan()) == expected
