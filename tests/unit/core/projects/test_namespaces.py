"""Where the Environments of a Project live, and which namespaces are whose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.conditions import Blocked
from kapsa.core.drift import stamp
from kapsa.core.manifests.namespace import namespace
from kapsa.core.projects.namespaces import (
    bears_its_stamp,
    common_namespace,
    environment_namespace,
    forsaken,
    is_at_home,
    may_inherit,
)
from kapsa.core.projects.naming import BRANCH, PERMANENT, PULL_REQUEST, Identity
from kapsa.core.projects.plans import ProjectPlan, candidate, told
from kapsa.models.reasons import Reason
from tests.builders import CREATED, environment, project
from tests.unit.core.planning import PRODUCTION, Given, pr, preview, shop

APART = project("shop", isolation="Environment")
OTHER = project("shop", namespace="team-b", isolation="Environment")
NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)


@given(first=st.tuples(NAMES, NAMES, NAMES), second=st.tuples(NAMES, NAMES, NAMES))
def test_no_two_environments_share_a_namespace_that_is_made_for_one(
    first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    found = []
    for name, where, slug in (first, second):
        owner = project(name, namespace=where, isolation="Environment")
        found.append(environment_namespace(owner, f"{name}-{slug}"))
    assert all(len(name) <= 63 for name in found)
    assert (found[0] == found[1]) == (first == second)


def test_the_namespace_says_what_it_is_for() -> None:
    assert environment_namespace(APART, "shop-pr-7").startswith("kapsa-shop-pr-7-")
    assert common_namespace(APART) == ""
    assert common_namespace(project("shop")).startswith("kapsa-shop-")
    assert common_namespace(project("shop", isolation="Shared")) == "team-a"


def test_a_project_of_one_namespace_never_meets_one_of_a_namespace_for_each() -> None:
    both = {common_namespace(project("shop")), environment_namespace(APART, "shop")}
    assert len(both) == 2


@pytest.mark.parametrize(
    ("where", "name", "expected"),
    [
        (environment_namespace(APART, "shop-a"), "shop-a", True),
        (environment_namespace(APART, "shop-a"), "shop-b", False),
        (environment_namespace(OTHER, "shop-a"), "shop-a", False),
        ("team-a", "shop-a", False),
    ],
    ids=["its-own", "anothers", "another-projects", "the-projects"],
)
def test_an_environment_is_at_home_where_its_name_leads(
    where: str, name: str, expected: bool
) -> None:
    assert is_at_home(environment(name, of=APART, namespace=where), APART) is expected


def made(name: str = "shop-a", **metadata: Any) -> dict[str, Any]:
    """Return the live namespace of an Environment, with changes to its metadata."""
    manifest = namespace(APART, name)
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        (made(), {"shop-b"}, True),
        (made(), {"shop-a"}, False),
        (made(deletionTimestamp=CREATED), set(), False),
        (made(name="kapsa-renamed"), set(), True),
        (made(labels={}), set(), False),
        (namespace(OTHER, "shop-a"), set(), False),
        (
            made(name="forged") | {"metadata": {**made()["metadata"], "name": "forged"}},
            set(),
            False,
        ),
    ],
    ids=["unwanted", "wanted", "going", "of-another-name", "unlabelled", "anothers", "forged"],
)
def test_a_namespace_is_forsaken_where_its_environment_should_not_be(
    live: dict[str, Any], wanted: set[str], expected: bool
) -> None:
    assert bool(forsaken(APART, (live,), wanted)) is expected


def test_the_namespace_of_a_whole_project_is_never_forsaken() -> None:
    shop = project("shop")
    assert forsaken(shop, (namespace(shop),), set()) == ()


AGAIN = project("shop", metadata={"uid": "second"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"deletionTimestamp": CREATED}, False),
        ({"labels": {}}, False),
        ({"annotations": {}}, False),
        ({"annotations": {"kapsa-project.io/owner": "Project/team-b/shop"}}, False),
    ],
    ids=["a-former-one", "on-its-way-out", "unlabelled", "nobodys", "anothers"],
)
def test_only_a_project_of_the_same_name_may_inherit(
    changes: dict[str, Any], expected: bool
) -> None:
    manifest = namespace(project("shop"))
    live = {**manifest, "metadata": {**manifest["metadata"], **changes}}
    assert may_inherit(live, AGAIN) is expected


def test_nobody_inherits_what_is_theirs_already() -> None:
    assert not may_inherit(namespace(AGAIN), AGAIN)


def test_a_namespace_bears_its_stamp_without_its_labels_and_no_other_does() -> None:
    desired = stamp(namespace(APART, "shop-a"))
    bare = {"metadata": {**desired["metadata"], "labels": {}}}
    assert bears_its_stamp(bare, desired)
    assert not bears_its_stamp(bare, stamp(namespace(AGAIN)))
    assert not bears_its_stamp({"metadata": {"name": "x"}}, desired)


BLOCKED = Blocked(Reason.NAMESPACE_CONFLICT, "somebody else's", stalled=True)
TERMINATING = Blocked(Reason.NAMESPACE_TERMINATING, "on its way out", retry_after=60.0)


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ({}, ["7 Previewed", "x/y Previewed", "7 Previewed"]),
        ({(PULL_REQUEST, "7"): BLOCKED}, ["x/y Previewed", "7 Previewed", "7 Skipped"]),
        ({(BRANCH, "x/y"): TERMINATING}, ["7 Previewed", "7 Previewed", "x/y Queued"]),
        ({(PERMANENT, "7"): BLOCKED}, ["7 Previewed", "x/y Previewed", "7 Previewed"]),
    ],
    ids=["nothing", "a-pull-request", "a-branch", "a-permanent-environment"],
)
def test_a_preview_that_could_not_be_made_is_told_with_the_reason(
    absent: dict[Identity, Blocked], expected: list[str]
) -> None:
    previewed = (
        candidate("topic", Reason.PULL_REQUEST_OPEN, pr=7, decision="Previewed"),
        candidate("x/y", Reason.BRANCH_INCLUDED, decision="Previewed"),
        # A branch that is called like a number is no pull request.
        candidate("7", Reason.BRANCH_INCLUDED, decision="Previewed"),
    )
    plan = told(ProjectPlan(previewed=previewed), absent)
    said = [f"{item.pr or item.ref} {item.decision}" for item in (*plan.previewed, *plan.skipped)]
    assert said == expected
    assert {item.reason for item in plan.skipped} <= {
        Reason.NAMESPACE_CONFLICT,
        Reason.NAMESPACE_TERMINATING,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Given(prs=[pr(1)], existing=[preview(2)]), {"shop-pr-1", "shop-pr-2"}),
        (Given(prs_complete=False, existing=[preview(2)]), None),
        (Given(shop(PRODUCTION)), {"shop-production"}),
    ],
    ids=["what-is-and-what-should-be", "an-incomplete-listing", "a-permanent-environment"],
)
def test_a_plan_says_which_environments_need_a_home(
    given: Given, expected: set[str] | None
) -> None:
    assert given.plan().homes == expected
