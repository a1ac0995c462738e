"""What holds of every plan, whatever people call their branches."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kapsa.models import Environment, Project
from tests.builders import project, sha
from tests.unit.core.planning import BRANCHES, Given, made, pr

FEW = settings(max_examples=40, deadline=None)
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

PLAIN = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
TEXT = st.text(min_size=1, max_size=250)
BRANCH = PLAIN | TEXT | st.text("aB-/07pr", min_size=1, max_size=60) | st.just("pr-7")
PROJECT = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
REFS = st.dictionaries(BRANCH, st.just(sha("x")), min_size=1, max_size=8)
NUMBERS = st.lists(st.integers(1, 50), unique=True, max_size=5)
PERMANENT = st.lists(
    PLAIN.filter(lambda name: len(name) <= 40) | st.sampled_from(["pr-7", "pr-1", "a-b"]),
    unique=True,
    max_size=3,
)


@st.composite
def projects(draw: Any) -> Project:
    """Return a Project with previews of all branches and some permanent environments."""
    names = draw(PERMANENT)
    return project(
        draw(PROJECT),
        environments=[{"name": name, "branch": "main"} for name in names],
        previewEnvironments={"branches": BRANCHES, "maxActive": draw(st.integers(0, 20))},
    )


@st.composite
def situations(draw: Any) -> Given:
    """Return a Project and complete listings."""
    return Given(
        draw(projects()),
        branches=draw(REFS) | draw(st.sampled_from([{}, {"main": sha("main")}])),
        prs=[pr(number, draw(BRANCH)) for number in draw(NUMBERS)],
    )


def single(name: str) -> str:
    """Return a name without hyphens side by side, as in names that are cut."""
    return re.sub("-+", "-", name)


def after(situation: Given) -> tuple[Environment, ...]:
    """Return the Environments that a situation leads to."""
    return tuple(made(item, situation.project) for item in situation.plan().wanted)


def changed(situation: Given, **changes: Any) -> Given:
    """Return the situation with its Environments made, and with changes."""
    return replace(situation, **({"existing": after(situation)} | changes))


@FEW
@given(situations())
@example(
    Given(
        project(
            "shop",
            environments=[{"name": "pr-7", "branch": "main"}],
            previewEnvironments={"branches": BRANCHES},
        ),
        branches={"main": sha(1), "pr-7": sha(2), "PR-7": sha(3)},
        prs=[pr(7)],
    )
)
def test_names_are_valid_distinct_and_begin_with_the_projects(situation: Given) -> None:
    name = situation.project.metadata.name
    plan = situation.plan()
    found = [item.name for item in plan.wanted]

    assert len(set(found)) == len(found)
    assert len({item.slug for item in plan.wanted}) == len(found)
    for one in found:
        assert LABEL.fullmatch(one)
        assert single(one).startswith(single(f"{name}-"))


@FEW
@given(situations())
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(situation: Given) -> None:
    again = changed(situation).plan()

    assert (again.create, again.delete, again.held) == ((), (), ())
    assert {item.name for item in again.update} == {item.metadata.name for item in after(situation)}


@FEW
@given(situations(), st.booleans(), REFS, NUMBERS)
def test_uncertain_listings_create_and_delete_nothing(
    situation: Given, empty: bool, refs: dict[str, str], numbers: list[int]
) -> None:
    listed: dict[str, Any] = {"branches": refs, "prs": [pr(number) for number in numbers]}
    if empty:
        listed = {"branches": {}, "prs": [], "empty_answers": 1}

    plan = changed(situation, **listed, refs_complete=empty, prs_complete=empty).plan()

    assert (plan.create, plan.delete) == ((), ())
    assert {item.name for item in plan.update} == {item.metadata.name for item in after(situation)}


@FEW
@given(situations(), st.data())
def test_it_does_not_matter_in_which_order_things_are_listed(
    situation: Given, data: st.DataObject
) -> None:
    existing = after(situation)
    assume(len(existing) > 1)
    shuffled = changed(
        situation,
        existing=data.draw(st.permutations(existing)),
        prs=data.draw(st.permutations(situation.prs)),
        branches=dict(data.draw(st.permutations(list(situation.branches.items())))),
    )

    assert shuffled.plan() == changed(situation).plan()


@FEW
@given(situations(), REFS, NUMBERS)
def test_previews_never_exceed_the_limit(
    situation: Given, refs: dict[str, str], numbers: list[int]
) -> None:
    prs = [pr(number) for number in numbers]
    plan = changed(situation, branches=refs, prs=prs).plan()

    limit = situation.project.spec.preview_environments.max_active
    assert sum(item.identity[0] != "permanent" for item in plan.wanted) <= limit
