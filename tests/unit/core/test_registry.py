"""Who Kapsa is to a Registry."""

from typing import Any

import pytest

from kapsa.core.registry import registry_mismatch, robot_name
from tests.builders import registry


@pytest.mark.parametrize(
    ("spec", "user"),
    [
        ({}, "x-access-token"),
        ({"type": "gitlab", "options": {"robotAccount": "kapsa"}}, "x-access-token"),
        ({"type": "harbor"}, "x-access-token"),
        ({"type": "harbor", "options": {"robotAccount": "kapsa"}}, "robot$kapsa"),
        (
            {"type": "harbor", "options": {"robotAccount": "kapsa", "projectName": "acme"}},
            "robot$acme+kapsa",
        ),
    ],
)
def test_the_user_of_a_bare_token_is_the_robot_of_harbor(spec: dict[str, Any], user: str) -> None:
    assert robot_name(registry(**spec)) == user


@pytest.mark.parametrize(
    ("reference", "endpoint", "fits"),
    [
        ("harbor.example.com/acme/shop:1", "harbor.example.com", True),
        ("harbor.example.com/acme/shop:1", "Harbor.Example.com", True),
        ("harbor.example.com/acme/shop:1", "harbor.example.com:443", False),
        ("nginx:1", "docker.io", True),
        ("nginx:1", "index.docker.io", True),
        ("nginx:1", "harbor.example.com", False),
    ],
)
def test_an_image_is_on_the_registry_of_its_host(reference: str, endpoint: str, fits: bool) -> None:
    assert (registry_mismatch(reference, registry(endpoint=endpoint)) is None) is fits
