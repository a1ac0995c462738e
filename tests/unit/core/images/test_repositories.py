"""Which repositories of a registry are whose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.core.conditions import Blocked
from kapsa.core.images.repositories import (
    Tenant,
    check_pins,
    check_repositories,
    expand,
    fits,
    image_problem,
    image_repository,
    repository_refusal,
)
from kapsa.models.reasons import Reason
from tests.builders import DIGEST, environment, project, registry

SHOP = Tenant("team-a", "shop")
ALONE = Tenant("team-a")
COMPONENTS = st.from_regex(r"[a-z0-9]{1,3}(-[a-z0-9]{1,2})?", fullmatch=True)
REPOSITORIES = st.lists(COMPONENTS, min_size=1, max_size=3).map("/".join)
TEMPLATES = st.lists(
    COMPONENTS | st.sampled_from(["{namespace}", "{project}", "{imageRepository}"]),
    min_size=1,
    max_size=5,
).map("/".join)


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("{namespace}/{imageRepository}", "team-a/shop", True),
        ("{namespace}/{imageRepository}", "team-a/shop/web", True),
        ("{namespace}/{imageRepository}", "team-b/shop", False),
        ("{namespace}/{imageRepository}", "team-a", False),
        ("{namespace}/{imageRepository}", "acme/team-a/shop", False),
        ("acme/{namespace}/{project}", "acme/team-a/shop", True),
        ("acme/{namespace}/{project}", "acme/team-a/other", False),
        ("acme/{namespace}/{project}", "acme/team-a/shop/web", False),
        ("acme/{imageRepository}", "acme/team-b/shop", True),
        ("acme/{imageRepository}/{namespace}", "acme/x/y/team-a", True),
        ("acme/{imageRepository}/{namespace}", "acme/team-a/team-b", False),
        ("{imageRepository}/{namespace}/{imageRepository}", "x/y/team-a/x/y", True),
        ("{imageRepository}/{namespace}/{imageRepository}", "x/team-b/team-a/x/y", False),
        ("acme/images", "acme/images", True),
        ("acme/images", "acme/others", False),
        ("acme/images", "acme/images/more", False),
    ],
)
def test_what_fits_a_template(template: str, path: str, expected: bool) -> None:
    assert fits(template, path, SHOP) is expected


def test_who_has_no_project_may_have_the_path_of_any_in_their_namespace() -> None:
    assert fits("{namespace}/{project}/{imageRepository}", "team-a/shop/web", ALONE)
    assert not fits("{namespace}/{project}/{imageRepository}", "team-b/shop/web", ALONE)
    assert fits("{project}/{project}", "shop/shop", ALONE)
    assert not fits("{project}/{project}", "shop/web", ALONE)


def test_a_file_that_names_no_namespace_is_not_judged_by_it() -> None:
    assert fits("{namespace}/{project}", "team-b/shop", Tenant("", "shop"))
    assert not fits("{namespace}/{project}", "team-b/web", Tenant("", "shop"))


@given(TEMPLATES, COMPONENTS, COMPONENTS, REPOSITORIES)
def test_what_a_template_gives_fits_it(
    template: str, namespace: str, name: str, repository: str
) -> None:
    tenant = Tenant(namespace, name)
    path = expand(template, tenant, repository)
    assert fits(template, path, tenant)
    assert fits(template, path, Tenant(namespace))


@given(TEMPLATES, st.lists(COMPONENTS, min_size=3, max_size=3, unique=True), REPOSITORIES)
def test_no_path_of_one_namespace_fits_another(
    template: str, names: list[str], repository: str
) -> None:
    mine, theirs, name = names
    path = expand(f"{{namespace}}/{template}", Tenant(mine, name), repository)
    assert not fits(f"{{namespace}}/{template}", path, Tenant(theirs, name))
    assert not fits(f"{{namespace}}/{template}", path, Tenant(theirs))
    behind = expand(f"{template}/{{namespace}}", Tenant(mine, name), repository)
    assert not fits(f"{template}/{{namespace}}", behind, Tenant(theirs))


@given(
    st.sampled_from(
        [
            "{imageRepository}/{namespace}",
            "{imageRepository}/{namespace}/{imageRepository}",
            "{project}/{imageRepository}/{namespace}/x",
            "{namespace}/{imageRepository}/{namespace}",
        ]
    ),
    st.lists(st.sampled_from("ab"), min_size=1, max_size=5).map("/".join),
)
def test_nobody_chooses_a_repository_that_is_of_another_namespace(
    template: str, repository: str
) -> None:
    path = expand(template, Tenant("a", "a"), repository)
    assert not fits(template, path, Tenant("b", "a"))
    assert not fits(template, path, Tenant("b"))


@pytest.mark.parametrize(
    ("template", "said", "expected"),
    [
        ("acme/{namespace}/{imageRepository}", {}, "acme/team-a/shop"),
        ("acme/{namespace}/{imageRepository}", {"imageRepository": "a/b"}, "acme/team-a/a/b"),
        ("acme/{namespace}/{project}", {}, "acme/team-a/shop"),
        ("acme/{namespace}/{project}", {"imageRepository": "acme/team-a/shop"}, "acme/team-a/shop"),
    ],
)
def test_where_images_are_pushed(template: str, said: dict[str, Any], expected: str) -> None:
    built = project(registry={"name": "harbor"} | said, build={"strategy": "dockerfile"})
    offered = registry(repositoryTemplate=template)
    assert image_repository(built, offered) == f"registry.example.com/{expected}"
    assert check_repositories(built, offered) == ()


@pytest.mark.parametrize(
    ("template", "said", "words"),
    [
        (None, {}, "has no repositoryTemplate"),
        ("{namespace}/{project}", {"imageRepository": "web"}, "at team-a/shop; leave it out"),
        ("{imageRepository}/" + "x" * 200, {"imageRepository": "y" * 100}, "too long"),
    ],
)
def test_where_nothing_is_pushed(template: str | None, said: dict[str, Any], words: str) -> None:
    built = project(registry={"name": "harbor"} | said, build={"strategy": "dockerfile"})
    offered = registry(**({"repositoryTemplate": template} if template else {}))
    refusal = image_repository(built, offered)
    assert isinstance(refusal, Blocked)
    assert (refusal.reason, refusal.stalled) == (Reason.REPOSITORY_NOT_ALLOWED, True)
    assert words in refusal.message
    (problem,) = check_repositories(built, offered)
    assert words in problem.message
    stated = repository_refusal(built, offered)
    assert stated is not None
    assert stated.reason == Reason.REPOSITORY_NOT_ALLOWED


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("registry.example.com/acme/team-a/shop:{sha}", None),
        ("registry.example.com/acme/team-a/any/thing:{branch}", None),
        ("registry.example.com/acme/team-b/shop:{sha}", Reason.REPOSITORY_NOT_ALLOWED),
        ("elsewhere.example.com/acme/team-a/shop:{sha}", Reason.REGISTRY_MISMATCH),
    ],
)
def test_images_that_ci_pushes(image: str, reason: Reason | None) -> None:
    shop = project(registry={"name": "harbor"}, build={"image": image})
    offered = registry(repositoryTemplate="acme/{namespace}/{imageRepository}")
    problems = check_repositories(shop, offered)
    assert [problem.reason for problem in problems] == ([reason] if reason else [])
    assert all(problem.path == "spec.build.image" for problem in problems)
    refusal = repository_refusal(shop, offered)
    assert (refusal.reason if refusal else None) == reason
    if reason == Reason.REPOSITORY_NOT_ALLOWED:
        assert "registry.example.com/acme/team-a/{imageRepository}" in problems[0].message


def test_a_registry_without_template_lets_everybody_run_what_it_has() -> None:
    shop = project(registry={"name": "harbor"})
    assert check_repositories(shop, registry()) == ()


def test_a_pin_elsewhere_stops_one_environment_and_not_the_project() -> None:
    pins = [
        {"name": "production", "image": f"registry.example.com/team-b/shop@{DIGEST}"},
        {"name": "staging", "image": f"registry.example.com/team-a/shop@{DIGEST}"},
    ]
    shop = project(
        registry={"name": "harbor"},
        build={"image": "registry.example.com/team-a/shop:{sha}"},
        environments=pins,
    )
    offered = registry(repositoryTemplate="{namespace}/{imageRepository}")
    assert repository_refusal(shop, offered) is None
    assert [problem.path for problem in check_pins(shop, offered)] == ["spec.environments[0].image"]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, None),
        (f"registry.example.com/team-a/shop@{DIGEST}", None),
        ("registry.example.com/team-b/shop:1", Reason.REPOSITORY_NOT_ALLOWED),
        ("nginx", Reason.REGISTRY_MISMATCH),
        ("registry.example.com//shop", Reason.INVALID_SPEC),
    ],
)
def test_the_image_of_an_environment_that_stands_alone(
    image: str | None, reason: Reason | None
) -> None:
    offered = registry(repositoryTemplate="{namespace}/{imageRepository}")
    alone = environment(registry={"name": "harbor"}, **({"image": image} if image else {}))
    problem = image_problem(alone, None, offered)
    assert (problem.reason if problem else None) == reason


def test_the_image_of_a_projects_environment_is_in_the_projects_namespace() -> None:
    offered = registry(repositoryTemplate="{namespace}/{project}")
    shop = project()
    item = environment(
        of=shop, namespace="kapsa-shop-0123456789", image="registry.example.com/team-a/shop:1"
    )
    assert image_problem(item, shop, offered) is None
    assert image_problem(item, None, offered) is not None
