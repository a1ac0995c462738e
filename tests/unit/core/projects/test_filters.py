"""Which names and pull requests are let through."""

from typing import Any

import pytest

from kapsa.core.projects.filters import matches, refuse_pull_request
from kapsa.core.projects.listings import OpenPullRequest
from kapsa.models.project import PullRequestPreviews
from kapsa.models.reasons import Reason
from tests.unit.core.planning import pr


@pytest.mark.parametrize(
    ("name", "include", "exclude", "expected"),
    [
        pytest.param("a", [], [], True, id="no-include-means-any"),
        pytest.param("a", ["b", "a"], [], True, id="one-include-is-enough"),
        pytest.param("a", ["b"], [], False, id="another-name"),
        pytest.param("a", [], ["a"], False, id="an-exclude-wins"),
        pytest.param("a/b/c", ["a/*"], [], True, id="a-star-crosses-slashes"),
        pytest.param("A", ["a"], [], False, id="case-counts"),
        pytest.param("a", ["?"], [], True, id="one-sign"),
        pytest.param("b", ["[!a]"], [], True, id="a-set"),
        pytest.param("a.b", ["a?b"], ["a[b"], True, id="an-open-bracket-is-itself"),
        pytest.param("a" * 250, ["*a" * 60 + "b"], [], False, id="many-stars-are-no-burden"),
    ],
)
def test_matches(name: str, include: list[str], exclude: list[str], expected: bool) -> None:
    assert matches(name, include, exclude) is expected


@pytest.mark.parametrize(
    ("rules", "item", "expected"),
    [
        pytest.param({}, pr(7), None, id="anything-of-the-repository-itself"),
        pytest.param({}, pr(7, fork=True), Reason.FORK, id="never-a-fork"),
        pytest.param({}, pr(7, draft=True), Reason.DRAFT, id="no-draft"),
        pytest.param({"drafts": True}, pr(7, draft=True), None, id="a-draft-where-that-is-wanted"),
        pytest.param(
            {"heads": {"include": ["x/*"]}}, pr(7), Reason.HEAD_EXCLUDED, id="a-head-left-out"
        ),
        pytest.param(
            {"labels": {"include": ["pre*"]}},
            pr(7, labels=frozenset({"other", "preview"})),
            None,
            id="one-of-its-labels-is-enough",
        ),
        pytest.param(
            {"labels": {"include": ["preview"]}}, pr(7), Reason.LABEL_MISSING, id="no-label"
        ),
        pytest.param(
            {"labels": {"include": ["*"], "exclude": ["wip"]}},
            pr(7, labels=frozenset({"preview", "wip"})),
            Reason.LABEL_EXCLUDED,
            id="one-label-too-many",
        ),
        pytest.param(
            {"labels": {"include": ["preview"]}},
            pr(7, fork=True),
            Reason.LABEL_MISSING,
            id="labels-are-asked-first",
        ),
    ],
)
def test_refuse_pull_request(
    rules: dict[str, Any], item: OpenPullRequest, expected: Reason | None
) -> None:
    assert refuse_pull_request(item, PullRequestPreviews.model_validate(rules)) == expected
