"""What Kapsa must be allowed to do on a registry."""

from typing import Any

import pytest

from kapsa.core.images.rights import MOST_RIGHTS, PULL, PUSH, Right, asked_for, rights_of
from tests.builders import project, registry

TEMPLATE = {"repositoryTemplate": "acme/{namespace}/{imageRepository}"}
BUILT: dict[str, Any] = {"build": {"strategy": "dockerfile"}, "registry": {"name": "harbor"}}
NAMED: dict[str, Any] = {"registry": {"name": "harbor"}}


@pytest.mark.parametrize(
    ("spec", "offered", "rights"),
    [
        pytest.param(NAMED, {}, (Right("acme/shop"),), id="an-image-of-ci"),
        pytest.param(
            BUILT,
            TEMPLATE,
            (Right("acme/team-a/shop", PUSH), Right("acme/team-a/shop")),
            id="an-image-of-kapsa",
        ),
        pytest.param(NAMED, {"endpoint": "other.example.com"}, (), id="an-image-elsewhere"),
        pytest.param(NAMED, TEMPLATE, (), id="an-image-of-another-team"),
        pytest.param(BUILT, {}, (), id="a-registry-where-nobody-pushes"),
        pytest.param({**NAMED, "suspend": True}, {}, (), id="suspended"),
    ],
)
def test_a_project_needs_what_it_may_have(
    spec: dict[str, Any], offered: dict[str, Any], rights: tuple[Right, ...]
) -> None:
    build = spec.get("build") or {"image": "registry.example.com/acme/shop:{sha}"}
    assert rights_of(project(**{**spec, "build": build}), registry(**offered)) == rights


def test_a_registry_is_asked_for_the_first_of_each_kind() -> None:
    needed = {
        Right(f"acme/{number:03}", actions) for number in range(50) for actions in (PULL, PUSH)
    }
    asked = asked_for(needed, PULL)
    assert asked == tuple(Right(f"acme/{number:03}") for number in range(MOST_RIGHTS))


def test_a_right_has_the_scope_of_a_token() -> None:
    assert Right("acme/shop", PUSH).scope == "repository:acme/shop:pull,push"
