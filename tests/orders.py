"""Orders of builds for tests: valid, and changed by keyword."""

from collections.abc import Mapping
from typing import Any

from kapsa.core.builds.orders import BuildOrder, BuildSecrets, BuildSettings, Origin
from kapsa.models.build import Build

LIMITS = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "20Gi"}


def build_order(
    build: Mapping[str, Any], *, limits: Mapping[str, str] | None = None, **changes: Any
) -> BuildOrder:
    """Return the first try of a build of the Project `team-a/shop`.

    Args:
        build: `spec.build` of the Project.
        limits: The most that a build may use.
        changes: Other fields of the order.
    """
    settings = BuildSettings(
        namespace="kapsa-builds",
        buildkit_image="docker.io/moby/buildkit:v0.25.1-rootless",
        kpack_builder_image="docker.io/paketobuildpacks/builder-jammy-base",
        limits=LIMITS if limits is None else limits,
    )
    fields: dict[str, Any] = {
        "name": "shop-0123456789",
        "key": "0123456789ab-0123456789abcdef0123456789ab",
        "attempt": 1,
        "requested_at": "",
        "origin": Origin("team-a", "shop", "uid-project-team-a-shop", "shop-pr-7"),
        "repository": "https://git.example.com:8443/acme/shop.git",
        "commit": "61" * 20,
        "image": "registry.example.com/acme/shop:kapsa-0123456789ab-0123456789abcdef0123456789ab",
        "cache": "",
        "insecure": False,
        "with_ca": False,
        "with_git_credentials": True,
        "timeout": 1800,
    }
    return BuildOrder(build=Build.model_validate(build), settings=settings, **(fields | changes))


def build_secrets(**changes: Any) -> BuildSecrets:
    """Return what a build of that order knows."""
    fields: dict[str, Any] = {
        "git_username": "reader",
        "git_password": "correct-horse",
        "docker_config": '{"auths":{"registry.example.com":{"auth":"cHVzaDpiYXR0ZXJ5"}}}',
        "values": ("correct-horse", "battery"),
    }
    return BuildSecrets(**(fields | changes))
