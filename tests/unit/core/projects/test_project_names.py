"""Names of a Project's Environments: they never meet, and nothing loses its own."""

from typing import Any

import pytest

from kapsa.utils import names
from kapsa.utils.hashing import text_digest
from tests.builders import environment, project, sha
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

PLAIN = names.join("shop", "production")
SECOND = names.join_digested("shop", "production")


def created(given: Given) -> list[str]:
    """Return the names of what a plan creates."""
    return [item.name for item in given.plan().create]


@pytest.mark.parametrize(
    "branches",
    [
        pytest.param(["a/b", "a-b", "A/B", "A-B"], id="that-differ-in-signs-and-case"),
        pytest.param(["x" * 200, "x" * 199 + "y"], id="that-are-long"),
        pytest.param(["überprüfung", "uberprufung", "功能", "功能2"], id="in-any-script"),
        pytest.param(
            ["a/b", names.slug("a/b"), names.slug(names.slug("a/b"))], id="that-look-digested"
        ),
        pytest.param(["pr-7", "PR-7", "pr/7"], id="that-look-like-pull-requests"),
        pytest.param(["production", "Production"], id="that-look-like-permanent-environments"),
    ],
)
def test_branches_get_names_of_their_own(branches: list[str]) -> None:
    given = Given(
        shop(PRODUCTION, branches=BRANCHES),
        branches={"main": sha("main")} | {branch: sha(branch) for branch in branches},
        prs=[pr(7)],
    )

    found = created(given)

    assert len(found) == len(set(found)) == len(branches) + 2
    assert {"shop-pr-7", "shop-production"} <= set(found)


def test_a_permanent_environment_called_like_a_pull_request_keeps_its_name() -> None:
    given = Given(shop({"name": "pr-7", "branch": "main"}), prs=[pr(7)])

    first, second = created(given)

    assert first == "shop-pr-7"
    assert second.startswith("shop-pr-7-")


def test_a_permanent_environment_called_like_a_branch_in_digested_form_keeps_its_name() -> None:
    slug = names.slug("a/b")
    given = Given(
        shop({"name": slug, "branch": "main"}, branches=BRANCHES),
        branches={"a/b": "1", "main": "2"},
    )

    assert len(set(created(given))) == 2


def test_a_name_that_another_project_has_taken_gets_a_digest() -> None:
    assert created(Given(shop(PRODUCTION), taken=[PLAIN])) == [SECOND]


def test_what_exists_keeps_its_name_when_a_better_one_is_free() -> None:
    given = Given(shop(PRODUCTION), existing=[permanent("production", object_name=SECOND)])

    assert short(given.plan()) == {"update": [SECOND]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            Given(
                shop(PRODUCTION),
                existing=[
                    permanent(
                        "production",
                        metadata={"labels": {"app.kubernetes.io/instance": "other"}},
                    )
                ],
            ),
            {"update": [PLAIN]},
            id="an-edited-label-loses-nobody-production",
        ),
        pytest.param(
            Given(shop(PRODUCTION), existing=[permanent("production", type="preview")]),
            {"update": [PLAIN]},
            id="nor-does-an-edited-type",
        ),
        pytest.param(
            Given(
                shop(PRODUCTION),
                refs_complete=False,
                existing=[permanent("other", object_name=PLAIN)],
            ),
            {"update": [PLAIN]},
            id="not-even-while-the-repository-can-not-be-read",
        ),
        pytest.param(
            Given(
                shop(PRODUCTION, branches={"enabled": True, "include": ["production"]}),
                branches={"main": sha("main"), "production": sha("b")},
                existing=[branch_preview("production")],
            ),
            {
                "create": ["shop-production-" + text_digest("branch\nproduction")],
                "update": [PLAIN],
            },
            id="a-preview-called-like-a-new-permanent-environment-becomes-that",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"staging": sha("b")},
                existing=[permanent("staging", "staging")],
            ),
            {"unwanted": ["shop-staging"]},
            id="a-preview-waits-for-the-name-of-a-permanent-one-that-goes",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"staging": sha("b")},
                existing=[terminating(permanent("staging", "staging"))],
            ),
            {},
            id="and-still-waits-while-that-is-being-deleted",
        ),
        pytest.param(
            Given(
                shop(branches=BRANCHES),
                branches={"a": sha("a"), "b": sha("b")},
                existing=[branch_preview("b", "shop-a")],
            ),
            {"create": [names.join_digested("shop", "a")], "update": ["shop-a"]},
            id="a-name-that-another-preview-keeps-gets-a-digest",
        ),
        pytest.param(
            Given(prs=[pr(7)], existing=[preview(7), preview(7, "copy")]),
            {"update": ["shop-pr-7"], "unwanted": ["copy"]},
            id="of-two-that-stand-for-the-same-the-usual-name-stays",
        ),
        pytest.param(
            Given(
                prs=[pr(7)],
                existing=[
                    preview(7, "b", metadata={"creationTimestamp": "2026-01-02T00:00:00Z"}),
                    preview(7, "c", metadata={"creationTimestamp": "2026-01-01T00:00:00Z"}),
                ],
            ),
            {"update": ["c"], "unwanted": ["b"]},
            id="then-the-older-one",
        ),
        pytest.param(
            Given(prs=[pr(7)], existing=[terminating(preview(7)), preview(7, "copy")]),
            {"update": ["copy"]},
            id="but-never-one-that-is-being-deleted",
        ),
    ],
)
def test_names_of_what_exists(given: Given, expected: dict[str, Any]) -> None:
    assert short(given.plan()) == expected


def test_nothing_is_ever_both_wanted_and_deleted() -> None:
    odd = environment("shop-pr-7", of=SHOP, namespace=NAMESPACE, branch="x", commit=sha("x"))
    plan = Given(prs=[pr(7)], existing=[odd]).plan()

    wanted = {item.name for item in plan.wanted}

    assert not wanted & {item.metadata.name for item in plan.delete}


def test_projects_that_share_a_namespace_never_share_a_name() -> None:
    first = project("a", environments=[{"name": "b-c", "branch": "main"}])
    second = project("a-b", environments=[{"name": "c", "branch": "main"}])

    (taken,) = created(Given(first))
    (other,) = created(Given(second, taken=[taken]))

    assert taken == "a-b-c"
    assert other.startswith("a-b-c-")
