"""What permanent environments run: pins, tags, promotion, and what waits to be told."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapsa.core.conditions import Blocked
from kapsa.core.projects.plans import DesiredEnvironment
from kapsa.models import Environment, Project
from tests.builders import project, ready, sha
from tests.unit.core.planning import Given, permanent, terminating

NEWER = "sha256:" + "12" * 32
IMAGE = "registry.example.com/acme/shop@sha256:" + "ab" * 32
OTHER = f"registry.example.com/acme/shop@{NEWER}"
TAGS = {"v1.9.0": sha("v1.9"), "v1.10.0": sha("v1.10"), "v2.0.0-rc.1": sha("rc"), "x9": sha("x")}
STAGING = {"name": "staging", "branch": "main"}
PROMOTED = {"name": "production", "promoteFrom": "staging"}
TAGGED = {"name": "production", "tag": "v*"}
FOLLOWING = {"name": "production", "branch": "main"}
MANUAL = {"name": "production", "branch": "main", "autoSync": False}
NEW = {"main": sha("new")}


def shop(*environments: Mapping[str, Any], available: Mapping[str, str] | None = None) -> Project:
    """Return the Project; `available` is what its status offers to production."""
    summary = {"name": "shop-production", "namespace": "kapsa-shop", "type": "permanent"}
    status = {"environments": [summary | {"available": available}]} if available else None
    return project("shop", environments=list(environments), status=status)


def running(name: str, commit: str, image: str, /, **more: Any) -> Environment:
    """Return an environment that runs an image of a commit and is Ready."""
    status = {**ready(), "image": image, "commit": sha(commit)}
    return permanent(name, **{"commit": sha(commit), "image": image, "status": status} | more)


def busy(environment: Environment) -> Environment:
    """Return the environment, not Ready any more."""
    status = environment.status.model_copy(update={"conditions": ()})
    return environment.model_copy(update={"status": status})


def tagged(tag: str, **more: Any) -> Environment:
    """Return production as it follows a tag."""
    metadata = {
        "labels": {"app.kubernetes.io/instance": "production"},
        "annotations": {"kapsa-project.io/tag": tag},
    }
    known = {"branch": None, "commit": TAGS[tag], "metadata": metadata}
    return permanent("production", **known | more)


def said(desired: DesiredEnvironment) -> str:
    """Return what an environment is told, in one line."""
    target = desired.target
    image = target.image
    return " ".join(
        (
            desired.identity[1],
            bytes.fromhex(target.commit).rstrip(b"\0").decode() or "?",
            f"{target.branch}{target.tag and '#' + target.tag}" or "-",
            str(image.reason)
            if isinstance(image, Blocked)
            else {None: "looked-up", IMAGE: "image", OTHER: "other"}[image],
        )
    )


def outcome(situation: Given) -> dict[str, Any]:
    """Return what becomes of the permanent environments, without what is empty."""
    plan = situation.plan()
    found = {
        "create": [said(item) for item in plan.create],
        "update": [said(item) for item in plan.update],
        "offered": [said(item) for item in plan.offered],
        "skipped": [f"{item.ref}: {item.reason}" for item in plan.skipped],
    }
    assert not plan.delete
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(
            Given(shop(TAGGED), tags=TAGS),
            {"create": ["production rc #v2.0.0-rc.1 looked-up"]},
            id="the-newest-version-wins",
        ),
        pytest.param(
            Given(shop(TAGGED | {"tag": "v1.*"}), tags=TAGS, existing=[tagged("v1.9.0")]),
            {"update": ["production v1.10 #v1.10.0 looked-up"]},
            id="of-those-that-the-glob-matches",
        ),
        pytest.param(
            Given(shop(TAGGED | {"tag": "y*"}), tags=TAGS),
            {"skipped": ["y*: TagNotFound"]},
            id="without-such-a-tag-it-waits",
        ),
        pytest.param(
            Given(shop(TAGGED), existing=[tagged("v1.9.0")]),
            {"update": ["production v1.9 #v1.9.0 looked-up"], "skipped": ["v*: TagNotFound"]},
            id="one-whose-tag-is-gone-stays",
        ),
        pytest.param(
            Given(shop(TAGGED), tags=TAGS, refs_complete=False, existing=[tagged("v1.9.0")]),
            {"update": ["production v1.9 #v1.9.0 looked-up"]},
            id="an-incomplete-listing-tells-of-no-new-tag",
        ),
        pytest.param(
            Given(shop(TAGGED), tags=TAGS, refs_complete=False),
            {},
            id="nor-creates-anything-for-one",
        ),
    ],
)
def test_tags(situation: Given, expected: dict[str, Any]) -> None:
    assert outcome(situation) == expected


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(
            Given(shop(STAGING, PROMOTED), existing=[running("staging", "main", IMAGE)]),
            {"create": ["production main - image"], "update": ["staging main main looked-up"]},
            id="what-runs-there-is-run-here",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED),
                branches=NEW,
                existing=[running("staging", "main", IMAGE), running("production", "old", OTHER)],
            ),
            {"update": ["staging new main looked-up", "production main - image"]},
            id="not-what-is-only-told-there",
        ),
        pytest.param(
            Given(shop(STAGING, PROMOTED)),
            {
                "create": ["staging main main looked-up"],
                "skipped": ["staging: NothingToPromote"],
            },
            id="it-waits-until-there-is-something",
        ),
        pytest.param(
            Given(shop(STAGING, PROMOTED), existing=[busy(running("staging", "main", IMAGE))]),
            {
                "update": ["staging main main looked-up"],
                "skipped": ["staging: NothingToPromote"],
            },
            id="what-is-not-ready-has-not-proved-itself",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED),
                existing=[
                    terminating(running("staging", "main", IMAGE)),
                    running("production", "old", OTHER),
                ],
            ),
            {"update": ["production old - other"]},
            id="without-a-source-it-keeps-commit-and-image",
        ),
        pytest.param(
            Given(shop(STAGING, PROMOTED), existing=[permanent("production", image=None)]),
            {
                "create": ["staging main main looked-up"],
                "update": ["production main - NothingToPromote"],
            },
            id="without-an-image-it-waits-for-one-and-looks-up-none",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED),
                refs_complete=False,
                existing=[running("staging", "main", IMAGE)],
            ),
            {"create": ["production main - image"], "update": ["staging main main looked-up"]},
            id="no-listing-is-needed",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED, {"name": "demo", "promoteFrom": "production"}),
                existing=[
                    running("staging", "main", IMAGE),
                    running("production", "old", OTHER),
                    running("demo", "older", IMAGE),
                ],
            ),
            {
                "update": [
                    "staging main main looked-up",
                    "production main - image",
                    "demo old - other",
                ]
            },
            id="chains-go-step-by-step",
        ),
        pytest.param(
            Given(
                shop(PROMOTED, {"name": "staging", "promoteFrom": "production"}),
                existing=[running("staging", "a", IMAGE), running("production", "b", OTHER)],
            ),
            {"update": ["production a - image", "staging b - other"]},
            id="circles-end",
        ),
        pytest.param(
            Given(
                shop(STAGING | {"image": IMAGE}, PROMOTED),
                existing=[
                    running(
                        "staging", "main", IMAGE, commit=None, status={**ready(), "image": IMAGE}
                    )
                ],
            ),
            {"create": ["production ? - image"], "update": ["staging ? main image"]},
            id="an-image-of-an-unknown-commit",
        ),
    ],
)
def test_promotion(situation: Given, expected: dict[str, Any]) -> None:
    assert outcome(situation) == expected


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(
            Given(shop(MANUAL)),
            {"offered": ["production main main looked-up"]},
            id="nothing-is-made-before-it-is-told",
        ),
        pytest.param(
            Given(shop(MANUAL), branches=NEW, existing=[running("production", "main", IMAGE)]),
            {
                "update": ["production main main image"],
                "offered": ["production new main looked-up"],
            },
            id="what-exists-keeps-commit-and-image",
        ),
        pytest.param(
            Given(shop(MANUAL), existing=[running("production", "main", IMAGE)]),
            {"update": ["production main main image"]},
            id="what-runs-anyway-is-not-offered",
        ),
        pytest.param(
            Given(shop(MANUAL), branches=NEW, existing=[permanent("production")]),
            {
                "update": ["production main main looked-up"],
                "offered": ["production new main looked-up"],
            },
            id="an-image-that-was-missing-is-still-looked-up",
        ),
        pytest.param(
            Given(shop(TAGGED | {"autoSync": False}), tags=TAGS, existing=[tagged("v1.9.0")]),
            {
                "update": ["production v1.9 #v1.9.0 looked-up"],
                "offered": ["production rc #v2.0.0-rc.1 looked-up"],
            },
            id="tags-are-offered-too",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED | {"autoSync": False}),
                existing=[running("staging", "main", IMAGE), running("production", "old", OTHER)],
            ),
            {
                "update": ["staging main main looked-up", "production old - other"],
                "offered": ["production main - image"],
            },
            id="and-what-another-one-runs",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED | {"autoSync": False}),
                existing=[running("staging", "main", IMAGE), running("production", "x", IMAGE)],
            ),
            {"update": ["staging main main looked-up", "production x - image"]},
            id="but-not-the-image-that-runs-here",
        ),
        pytest.param(
            Given(shop(MANUAL | {"revision": sha("main")}), branches=NEW),
            {
                "create": ["production main main looked-up"],
                "offered": ["production new main looked-up"],
            },
            id="a-revision-tells-it",
        ),
        pytest.param(
            Given(shop(MANUAL | {"image": IMAGE})),
            {
                "create": ["production ? main image"],
                "offered": ["production main main looked-up"],
            },
            id="an-image-tells-it",
        ),
        pytest.param(
            Given(
                shop(MANUAL | {"revision": sha("main")}),
                existing=[running("production", "main", IMAGE)],
            ),
            {"update": ["production main main looked-up"]},
            id="what-it-is-told-is-not-offered",
        ),
        pytest.param(
            Given(shop(MANUAL), branches={"x": sha("x")}),
            {"skipped": ["main: BranchNotFound"]},
            id="what-is-not-there-is-not-offered",
        ),
    ],
)
def test_auto_sync_off(situation: Given, expected: dict[str, Any]) -> None:
    assert outcome(situation) == expected


BEFORE = {"commit": sha("new"), "image": OTHER}


@pytest.mark.parametrize(
    ("situation", "offered"),
    [
        pytest.param(
            Given(shop(MANUAL, available=BEFORE), refs_complete=False),
            ["production new main other"],
            id="an-incomplete-listing-takes-no-offer-back",
        ),
        pytest.param(
            Given(shop(MANUAL, available={"commit": sha("new")}), refs_complete=False),
            ["production new main looked-up"],
            id="nor-one-whose-image-is-missing",
        ),
        pytest.param(
            Given(shop(MANUAL, available=BEFORE), branches={"x": sha("x")}),
            [],
            id="a-complete-one-does",
        ),
        pytest.param(
            Given(shop(MANUAL, available=BEFORE)),
            ["production main main looked-up"],
            id="and-brings-a-new-one",
        ),
        pytest.param(
            Given(
                shop(MANUAL, available=BEFORE),
                refs_complete=False,
                existing=[running("production", "new", OTHER)],
            ),
            [],
            id="what-was-taken-up-is-no-offer-any-more",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED | {"autoSync": False}, available=BEFORE),
                existing=[busy(running("staging", "new", OTHER))],
            ),
            ["production new - other"],
            id="a-source-that-is-busy-takes-none-back",
        ),
        pytest.param(
            Given(
                shop(STAGING, PROMOTED | {"autoSync": False}, available=BEFORE),
                existing=[busy(running("staging", "main", IMAGE))],
            ),
            [],
            id="a-source-that-runs-something-else-does",
        ),
        pytest.param(
            Given(shop(STAGING, PROMOTED | {"autoSync": False}, available=BEFORE)),
            [],
            id="a-source-that-is-gone-does",
        ),
    ],
)
def test_offers_that_stand(situation: Given, offered: list[str]) -> None:
    assert [said(item) for item in situation.plan().offered] == offered


PIN = {"image": IMAGE, "revision": sha("r")}


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(
            Given(shop(FOLLOWING | {"revision": sha("old")}), existing=[permanent("production")]),
            "production old main looked-up",
            id="a-revision-wins-over-the-branch",
        ),
        pytest.param(
            Given(shop(TAGGED | {"revision": sha("old")}), tags=TAGS, existing=[tagged("v1.9.0")]),
            "production old - looked-up",
            id="a-revision-wins-over-tags",
        ),
        pytest.param(
            Given(
                shop(PROMOTED | {"promoteFrom": "staging", "revision": sha("old")}),
                existing=[running("production", "main", IMAGE)],
            ),
            "production old - looked-up",
            id="a-revision-wins-over-promotion",
        ),
        pytest.param(
            Given(shop(FOLLOWING | PIN), existing=[running("production", "main", OTHER)]),
            "production r main image",
            id="an-image-wins-and-the-revision-says-its-commit",
        ),
        pytest.param(
            Given(shop(FOLLOWING | PIN), existing=[running("production", "main", IMAGE)]),
            "production main main image",
            id="what-it-runs-itself-it-knows-the-commit-of",
        ),
        pytest.param(
            Given(
                shop(FOLLOWING | PIN),
                existing=[running("production", "main", IMAGE, image=OTHER, commit=sha("new"))],
            ),
            "production main main image",
            id="also-while-something-else-is-rolled-out",
        ),
        pytest.param(
            Given(
                shop(FOLLOWING | PIN, STAGING),
                existing=[
                    running("production", "main", OTHER),
                    permanent("staging", image=IMAGE, commit=sha("s")),
                ],
            ),
            "production s main image",
            id="another-environment-may-know-its-commit",
        ),
        pytest.param(
            Given(
                shop(FOLLOWING | {"image": IMAGE}, STAGING),
                existing=[
                    running("production", "main", IMAGE),
                    running("staging", "s", IMAGE),
                ],
            ),
            "production main main image",
            id="but-its-own-word-comes-first",
        ),
        pytest.param(
            Given(
                shop(FOLLOWING | {"image": IMAGE}), existing=[running("production", "main", OTHER)]
            ),
            "production ? main image",
            id="the-former-commit-would-be-a-lie",
        ),
    ],
)
def test_pins(situation: Given, expected: str) -> None:
    assert said(situation.plan().update[0]) == expected


SHAS = st.sampled_from([sha(letter) for letter in "abcd"])
LISTED = st.fixed_dictionaries(
    {
        "branches": st.dictionaries(st.sampled_from(["main", "x"]), SHAS),
        "tags": st.dictionaries(st.sampled_from(sorted(TAGS)), SHAS),
        "refs_complete": st.booleans(),
    }
)
FOLLOWED = st.sampled_from([{"branch": "main"}, {"tag": "v*"}, {"promoteFrom": "staging"}])
PINNED = st.sampled_from([{"image": IMAGE}, {"revision": sha("r")}, PIN])
EXISTING = st.sampled_from(
    [
        (),
        (running("production", "main", OTHER),),
        (running("production", "main", IMAGE), running("staging", "s", OTHER)),
        (busy(running("staging", "s", IMAGE)),),
    ]
)


@settings(deadline=None)
@given(FOLLOWED, PINNED, st.booleans(), EXISTING, LISTED, LISTED)
def test_pins_never_depend_on_listings(
    followed: dict[str, str],
    pinned: dict[str, str],
    auto_sync: bool,
    existing: tuple[Environment, ...],
    one: dict[str, Any],
    other: dict[str, Any],
) -> None:
    item = shop({"name": "production", "autoSync": auto_sync, **followed, **pinned}, STAGING)
    found = [
        next(
            item
            for item in Given(item, existing=existing, **listed).plan().wanted
            if item.name == "shop-production"
        )
        for listed in (one, other)
    ]

    assert found[0] == found[1]
    assert found[0].target.image == pinned.get("image")
    assert "image" in pinned or found[0].commit == sha("r")
