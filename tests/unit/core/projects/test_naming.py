"""Names and identities of a Project's Environments."""

import pytest

from kapsa.core.projects import naming
from kapsa.models import Environment
from kapsa.utils import names
from tests.builders import environment
from tests.unit.core.planning import branch_preview, permanent, preview

INSTANCE = "app.kubernetes.io/instance"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param(preview(7), ("pull request", "7"), id="a-pull-request"),
        pytest.param(branch_preview("a/b", "shop-x"), ("branch", "a/b"), id="a-branch"),
        pytest.param(environment("shop-x"), ("branch", "shop-x"), id="neither"),
        pytest.param(permanent("live"), ("permanent", "live"), id="a-permanent-one-by-its-label"),
        pytest.param(permanent("live", metadata={}), ("permanent", "live"), id="else-by-its-name"),
        pytest.param(
            permanent("other", object_name="shop-production"),
            ("permanent", "production"),
            id="the-name-of-one-that-the-spec-wants-goes-before-all",
        ),
        pytest.param(
            permanent("other", object_name=names.join_digested("shop", "production")),
            ("permanent", "production"),
            id="also-in-its-second-form",
        ),
    ],
)
def test_identity(environment: Environment, expected: naming.Identity) -> None:
    assert naming.identity(environment, "shop", frozenset({"production"})) == expected


@pytest.mark.parametrize(
    ("identity", "slug"),
    [
        pytest.param(("pull request", "7"), "pr-7", id="a-pull-request"),
        pytest.param(("permanent", "production"), "production", id="a-permanent-one"),
        pytest.param(("branch", "login"), "login", id="a-branch"),
        pytest.param(("branch", "a/b"), names.slug("a/b"), id="a-branch-that-is-no-label"),
        pytest.param(("branch", "pr-7"), names.with_digest("pr-7", "pr-7"), id="like-a-request"),
        pytest.param(
            ("branch", "production"),
            names.with_digest("production", "branch\nproduction"),
            id="like-a-permanent-one",
        ),
        pytest.param(("branch", "pr-7a"), "pr-7a", id="almost-like-a-request"),
    ],
)
def test_identity_slug(identity: naming.Identity, slug: str) -> None:
    assert naming.identity_slug(identity, "shop", frozenset({"production"})) == slug


def test_slugs_leave_room_for_the_longest_project() -> None:
    project = "p" * 40
    slug = naming.identity_slug(("branch", "x" * 200), project, frozenset())

    assert naming.environment_name(project, slug, frozenset()) == f"{project}-{slug}"


def test_a_slug_is_what_follows_the_project() -> None:
    assert naming.environment_slug("shop-pr-7", "shop") == "pr-7"
    assert naming.environment_slug("other", "shop") == "other"


def test_permanent_environments_are_no_previews() -> None:
    assert not naming.is_preview(("permanent", "a"))
    assert naming.is_preview(("branch", "a"))
