"""Which images Projects may build with."""

import pytest

from kapsa.config import Settings
from kapsa.core.builds.builders import builder_refusal
from kapsa.models.build import Build
from kapsa.models.reasons import Reason
from tests.builders import DIGEST


def build(image: str) -> Build:
    return Build.model_validate({"strategy": "buildpack", "builder": {"image": image}})


@pytest.mark.parametrize(
    "image",
    [
        "paketobuildpacks/builder-jammy-base",
        "docker.io/paketobuildpacks/builder-noble-java-tiny:1.2",
        f"heroku/builder:24@{DIGEST}",
        "gcr.io/buildpacks/builder:google-22",
    ],
)
def test_the_builders_of_known_makers_are_allowed(image: str) -> None:
    assert builder_refusal(build(image), Settings().kpack_allowed_builders) is None


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/acme/builder",
        "paketobuildpacks.example.com/builder",
        "registry.example.com/docker.io/paketobuildpacks/builder",
        "docker.io/paketobuildpack/builder-jammy-base",
        "herokuu/builder",
    ],
)
def test_any_other_is_refused_with_those_that_may_be_named(image: str) -> None:
    refusal = builder_refusal(build(image), Settings().kpack_allowed_builders)
    assert refusal is not None
    assert (refusal.reason, refusal.stalled) == (Reason.BUILDER_NOT_ALLOWED, True)
    assert image in refusal.message
    assert "docker.io/paketobuildpacks/*" in refusal.message


def test_an_admin_allows_more_or_all_or_none() -> None:
    image = build("ghcr.io/acme/builder:1")
    assert builder_refusal(image, ("ghcr.io/acme/*",)) is None
    assert builder_refusal(image, ("*",)) is None
    refusal = builder_refusal(image, ())
    assert refusal is not None
    assert "name a ClusterBuilder" in refusal.message


@pytest.mark.parametrize(
    "said",
    [
        {"strategy": "buildpack"},
        {"strategy": "dockerfile"},
        {"strategy": "buildpack", "builder": {"kind": "ClusterBuilder", "name": "base"}},
    ],
)
def test_what_an_admin_keeps_is_allowed(said: dict[str, str]) -> None:
    assert builder_refusal(Build.model_validate(said), ()) is None
