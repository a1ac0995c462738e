"""Previews that have expired: they keep their object, and leave their place to others."""

from typing import Any

import pytest

from kapsa.models import Environment
from tests.builders import project, sha
from tests.unit.core.planning import (
    BRANCHES,
    SHOP,
    Given,
    branch_preview,
    expired,
    made,
    pr,
    preview,
    shop,
    short,
)

OLD = sha("old")


def since(item: Environment, when: str) -> Environment:
    """Return the Environment as one that has lived since then."""
    status = item.status.model_copy(update={"active_since": when})
    return item.model_copy(update={"status": status})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            Given(prs=[pr(7)], existing=[expired(preview(7))]),
            {"skipped": ["7: Expired TtlExpired"]},
            id="it-is-neither-updated-nor-deleted",
        ),
        pytest.param(
            Given(prs=[pr(7)], existing=[expired(preview(7), "MaxLifetimeReached")]),
            {"skipped": ["7: Expired MaxLifetimeReached"]},
            id="the-candidate-says-for-which-reason",
        ),
        pytest.param(
            Given(prs=[pr(7)], existing=[expired(preview(7, commit=OLD))]),
            {"update": ["shop-pr-7"]},
            id="a-new-commit-brings-it-back",
        ),
        pytest.param(
            Given(
                shop(maxActive=1), prs=[pr(7), pr(8)], existing=[expired(preview(7)), preview(8)]
            ),
            {"update": ["shop-pr-8"], "skipped": ["7: Expired TtlExpired"]},
            id="it-does-not-count",
        ),
        pytest.param(
            Given(shop(maxActive=1), prs=[pr(7), pr(8)], existing=[expired(preview(7))]),
            {"create": ["shop-pr-8"], "skipped": ["7: Expired TtlExpired"]},
            id="another-one-gets-its-place",
        ),
        pytest.param(
            Given(
                shop(maxActive=1),
                prs=[pr(7), pr(8)],
                existing=[expired(preview(7, commit=OLD)), preview(8)],
            ),
            {"update": ["shop-pr-8"], "skipped": ["7: Queued MaxActive"]},
            id="with-a-new-commit-it-waits-for-a-place-and-keeps-its-object",
        ),
        pytest.param(
            Given(prs=[pr(8)], existing=[expired(preview(7))]),
            {"create": ["shop-pr-8"], "vanished": ["shop-pr-7"]},
            id="without-its-pull-request-it-goes",
        ),
        pytest.param(
            Given(prs_complete=False, existing=[expired(preview(7))]),
            {"skipped": ["7: Expired TtlExpired"]},
            id="an-uncertain-listing-changes-nothing",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"x": sha("x")},
                existing=[expired(branch_preview("x"))],
            ),
            {"skipped": ["x: Expired TtlExpired"]},
            id="one-of-a-branch-too",
        ),
        pytest.param(
            Given(
                shop(maxActive=1),
                prs=[pr(7), pr(8)],
                existing=[
                    since(preview(7), "2026-02-01T00:00:00Z"),
                    since(preview(8), "2026-01-15T00:00:00Z"),
                ],
            ),
            {
                "update": ["shop-pr-8"],
                "unwanted": ["shop-pr-7"],
                "skipped": ["7: Queued MaxActive"],
            },
            id="one-that-a-person-brought-back-takes-nobodys-place",
        ),
    ],
)
def test_expired_previews(given: Given, expected: dict[str, Any]) -> None:
    assert short(given.plan()) == expected


def test_previews_get_the_projects_ttl_and_permanent_environments_none() -> None:
    rules = {"ttl": "36h"}
    item = project(
        "shop",
        environments=[{"name": "production", "branch": "main"}],
        previewEnvironments=rules,
    )

    plan = Given(item, prs=[pr(7)]).plan()

    assert {one.name: made(one, item).spec.ttl for one in plan.create} == {
        "shop-production": None,
        "shop-pr-7": "36h",
    }
    assert made(Given(prs=[pr(7)]).plan().create[0], SHOP).spec.ttl == "7d"
