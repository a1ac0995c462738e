"""Rules over a plan: what is held back."""

from dataclasses import replace

import pytest

from kapsa.core.projects.plans import ProjectPlan
from kapsa.core.projects.policies import HoldInput, hold_mass_deletion
from tests.builders import sha
from tests.unit.core.planning import (
    BRANCHES,
    PRODUCTION,
    Given,
    expired,
    pr,
    preview,
    shop,
    short,
)

KNOWN = HoldInput(previews=10, held_since=None, listed_at=1000.0, hold=300.0)


def vanishing(count: int) -> ProjectPlan:
    """Return a plan in which so many previews vanish."""
    return ProjectPlan(vanished=tuple(preview(number) for number in range(1, count + 1)), limit=20)


@pytest.mark.parametrize(
    ("vanished", "known", "held"),
    [
        pytest.param(6, KNOWN, True, id="more-than-half-at-once-are-held"),
        pytest.param(5, KNOWN, False, id="half-are-not"),
        pytest.param(3, replace(KNOWN, previews=3), False, id="three-are-few-enough-to-go"),
        pytest.param(4, replace(KNOWN, previews=4), True, id="four-of-four-are-held"),
        pytest.param(4, replace(KNOWN, previews=8), False, id="four-of-eight-are-not"),
        pytest.param(
            6, replace(KNOWN, held_since=701.0), True, id="a-listing-a-moment-later-is-no-proof"
        ),
        pytest.param(
            6, replace(KNOWN, held_since=700.0), False, id="a-listing-after-the-hold-is-believed"
        ),
        pytest.param(
            6,
            replace(KNOWN, held_since=900.0, listed_at=0.0),
            True,
            id="a-listing-from-before-the-hold-is-no-proof",
        ),
        pytest.param(6, replace(KNOWN, confirmed=True), False, id="a-person-may-confirm-it"),
        pytest.param(0, replace(KNOWN, previews=0), False, id="nothing-vanishes-from-nothing"),
    ],
)
def test_hold_mass_deletion(vanished: int, known: HoldInput, held: bool) -> None:
    plan = vanishing(vanished)

    guarded = hold_mass_deletion(plan, known)

    assert guarded.held == (plan.vanished if held else ())
    assert guarded.delete == (() if held else plan.vanished)


def test_what_the_spec_does_not_want_is_never_held() -> None:
    plan = replace(vanishing(6), unwanted=tuple(preview(number) for number in range(20, 29)))

    assert hold_mass_deletion(plan, KNOWN).delete == plan.unwanted


def test_what_is_held_counts_as_active() -> None:
    given = Given(
        shop(PRODUCTION, maxActive=6),
        prs=[pr(1), pr(20), pr(21)],
        existing=[preview(number) for number in range(1, 6)],
    )

    plan = hold_mass_deletion(given.plan(), replace(KNOWN, previews=5))

    assert len(plan.held) == 4
    assert short(plan) == {
        "create": ["shop-production", "shop-pr-20"],
        "update": ["shop-pr-1"],
        "skipped": ["21: Queued MaxActive"],
    }
    assert [item.pr for item in plan.previewed] == [1, 20]


def test_a_branch_waits_for_what_is_held_too() -> None:
    given = Given(
        shop(branches=BRANCHES, maxActive=4),
        branches={"new": sha("a")},
        prs=[pr(9, draft=True)],
        existing=[preview(number) for number in range(1, 5)],
    )

    plan = hold_mass_deletion(given.plan(), replace(KNOWN, previews=4))

    assert short(plan) == {"skipped": ["9: Skipped Draft", "new: Queued MaxActive"]}


def test_what_is_held_but_has_expired_leaves_its_place() -> None:
    given = Given(
        shop(maxActive=4),
        prs=[pr(20)],
        existing=[expired(preview(1)), *(preview(number) for number in range(2, 5))],
    )

    plan = hold_mass_deletion(given.plan(), replace(KNOWN, previews=4))

    assert len(plan.held) == 4
    assert short(plan) == {"create": ["shop-pr-20"]}


def test_an_ordinary_deletion_makes_room_at_once() -> None:
    given = Given(shop(maxActive=1), prs=[pr(2)], existing=[preview(1)])

    plan = hold_mass_deletion(given.plan(), replace(KNOWN, previews=1))

    assert short(plan) == {"create": ["shop-pr-2"], "vanished": ["shop-pr-1"]}
