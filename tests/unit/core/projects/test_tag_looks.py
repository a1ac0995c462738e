"""Which tags may move, and how often an image is looked up that isn't there."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.projects.images import ImageChoice, choose_image
from kapsa.core.projects.plans import DesiredEnvironment, Target
from kapsa.core.projects.tag_looks import LookRates, follows_tag, wait_after
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime
from tests.builders import environment, project, sha

IMAGE = f"r.example.com/shop@sha256:{'ab' * 32}"
MAIN = Target(sha("a"), branch="main")
PRODUCTION = ("permanent", "production")
RATES = LookRates(first=10.0, longest=300.0, longest_stalled=60.0)


def desired(target: Target = MAIN, identity: tuple[str, str] = PRODUCTION) -> DesiredEnvironment:
    return DesiredEnvironment(identity, "production", "a", "b", target, Runtime())


def follows(tag: str, *, target: Target = MAIN, identity: tuple[str, str] = PRODUCTION,
            revision: str | None = None, **build: Any) -> bool:  # fmt: skip
    production = {"name": "production", "branch": "main", "revision": revision}
    shop = project(
        build={"image": f"r.example.com/shop:{tag}"} | build,
        environments=[production if revision else {**production, "revision": None}],
    )
    return follows_tag(shop, desired(target, identity))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("{sha}", False),
        ("{shortSha}", False),
        ("{branch}-{shortSha}", False),
        ("{branch}", True),
        ("pr-{pr}", True),
        ("latest", True),
    ],
)
def test_a_tag_may_move_unless_it_is_made_of_the_commit(tag: str, expected: bool) -> None:
    assert follows(tag) is expected


def test_what_is_pinned_or_promoted_stays_though_the_tag_moves() -> None:
    assert not follows("{branch}", revision=sha("a"))
    assert not follows("{branch}", target=Target(sha("a"), image=IMAGE))
    assert follows("{branch}", identity=("branch", "production"), revision=sha("a"))


def test_what_kapsa_builds_has_no_tag_of_others() -> None:
    assert not follows_tag(project(build={"strategy": "dockerfile"}), desired())


def test_the_image_that_a_tag_named_stays_where_none_is_found() -> None:
    reference = "r.example.com/shop:main"
    existing = environment(
        commit=sha("a"), image=IMAGE,
        metadata={"annotations": {"kapsa-project.io/image-reference": reference}},
    )  # fmt: skip
    shop = project(build={"image": "r.example.com/shop:{branch}"})

    assert choose_image(shop, desired(), existing) == ImageChoice(None, reference, True, IMAGE)
    another = desired(Target(sha("b"), branch="main"))
    assert choose_image(shop, another, existing) == ImageChoice(None, reference, True)


def blocked(reason: str, *, stalled: bool = False, retry_after: float | None = None) -> Blocked:
    return Blocked(reason, "why", stalled, retry_after)


@pytest.mark.parametrize(
    ("obstacle", "times", "expected"),
    [
        (blocked(Reason.IMAGE_NOT_FOUND), 1, 10.0),
        (blocked(Reason.IMAGE_NOT_FOUND), 2, 20.0),
        (blocked(Reason.IMAGE_NOT_FOUND), 5, 160.0),
        (blocked(Reason.IMAGE_NOT_FOUND), 6, 300.0),
        (blocked(Reason.IMAGE_NOT_FOUND), 10_000, 300.0),
        (blocked(Reason.REGISTRY_UNREACHABLE, retry_after=15.0), 1, 15.0),
        (blocked(Reason.REGISTRY_UNREACHABLE, retry_after=15.0), 2, 20.0),
        (blocked(Reason.REGISTRY_UNREACHABLE, retry_after=15.0), 100, 300.0),
        (blocked(Reason.REGISTRY_UNREACHABLE, retry_after=1.0), 0, 10.0),
        (blocked(Reason.RATE_LIMITED, retry_after=1000.0), 0, 1000.0),
        (blocked(Reason.REGISTRY_UNAUTHORIZED, stalled=True, retry_after=300.0), 100, 60.0),
    ],
)
def test_how_long_to_wait(obstacle: Blocked, times: int, expected: float) -> None:
    assert wait_after(obstacle, times, RATES) == expected
