"""The history of an Environment's roll-outs."""

from typing import Any

import pytest

from kapsa.core.environments.history import (
    LENGTH,
    Rollout,
    history_with,
    was_released,
    with_releases,
)
from kapsa.core.jobs.jobs import run_id
from kapsa.models.environment import HistoryEntry, JobRun
from kapsa.utils.times import from_rfc3339
from tests.builders import CREATED, LATER, sha

OLD, NEW = "shop:1", "shop:2"
BEFORE, NOW = CREATED, LATER


def entry(image: str = NEW, result: str = "Running", **more: Any) -> HistoryEntry:
    """Return a roll-out that began before now, and ended then where it ended."""
    ended = {} if result == "Running" else {"endedAt": BEFORE}
    return HistoryEntry.model_validate(
        {"image": image, "result": result, "startedAt": BEFORE} | ended | more
    )


def short(entries: tuple[HistoryEntry, ...]) -> list[str]:
    """Return image, result, release and end of each roll-out."""
    ends = {None: "open", BEFORE: "ended before", NOW: "ended now"}
    return [
        " ".join(filter(None, (item.image, item.result, item.release, ends[item.ended_at])))
        for item in entries
    ]


@pytest.mark.parametrize(
    ("history", "current", "expected"),
    [
        pytest.param([], Rollout(NEW, "", "Running"), ["shop:2 Running open"], id="the-first"),
        pytest.param(
            [], Rollout(NEW, "", "Succeeded"), ["shop:2 Succeeded ended now"], id="done-at-once"
        ),
        pytest.param(
            [entry()], Rollout(NEW, "", "Running"), ["shop:2 Running open"], id="nothing-new"
        ),
        pytest.param(
            [entry()], Rollout(NEW, "", "Succeeded"), ["shop:2 Succeeded ended now"], id="it-ends"
        ),
        pytest.param(
            [entry(result="Succeeded")],
            Rollout(NEW, "", "Failed"),
            ["shop:2 Succeeded ended before"],
            id="pods-fail-later",
        ),
        pytest.param(
            [entry(result="Failed")],
            Rollout(NEW, "", "Running"),
            ["shop:2 Running open"],
            id="it-is-tried-again",
        ),
        pytest.param(
            [entry(result="Failed")],
            Rollout(NEW, "", "Failed"),
            ["shop:2 Failed ended before"],
            id="it-stays-failed",
        ),
        pytest.param(
            [entry(OLD)],
            Rollout(NEW, "", "Running"),
            ["shop:2 Running open", "shop:1 Superseded ended now"],
            id="the-next-begins-before-the-end",
        ),
        pytest.param(
            [entry(NEW, "Succeeded"), entry(OLD, "Succeeded")],
            Rollout(OLD, "", "Running"),
            [
                "shop:1 Running open",
                "shop:2 Succeeded ended before",
                "shop:1 Succeeded ended before",
            ],
            id="an-image-comes-back",
        ),
        pytest.param(
            [entry(release="Running")],
            Rollout(NEW, "", "Running", "Succeeded"),
            ["shop:2 Running Succeeded open"],
            id="its-release-has-ended",
        ),
        pytest.param(
            [entry(release="Succeeded")],
            Rollout(NEW, "", "Succeeded"),
            ["shop:2 Succeeded Succeeded ended now"],
            id="the-release-is-wanted-no-more",
        ),
    ],
)
def test_history(history: list[HistoryEntry], current: Rollout, expected: list[str]) -> None:
    assert short(history_with(history, current, NOW)) == expected


def test_another_commit_of_the_same_image_is_another_rollout() -> None:
    former = entry(commit=sha("a"))

    found = history_with([former], Rollout(NEW, sha("b"), "Running"), NOW)

    assert [item.commit for item in found] == [sha("b"), sha("a")]


def test_the_oldest_rollouts_are_forgotten() -> None:
    history: tuple[HistoryEntry, ...] = ()
    for number in range(LENGTH + 5):
        history = history_with(history, Rollout(f"shop:{number}", "", "Succeeded"), NOW)

    assert [item.image for item in history] == [
        f"shop:{number}" for number in reversed(range(5, LENGTH + 5))
    ]


def test_how_a_release_ended_is_noted_though_the_next_image_is_wanted_already() -> None:
    history = [entry(NEW), entry(OLD, "Superseded", release="Running")]
    runs = [JobRun(process="release", run=run_id(OLD, "now"), result="Succeeded")]

    assert short(with_releases(history, runs)) == [
        "shop:2 Running open",
        "shop:1 Superseded Succeeded ended before",
    ]


@pytest.mark.parametrize(
    ("history", "since", "expected"),
    [
        pytest.param([], None, False, id="nothing-known"),
        pytest.param([entry(release="Succeeded")], None, True, id="it-succeeded"),
        pytest.param([entry(release="Succeeded")], BEFORE, True, id="in-this-life"),
        pytest.param([entry(release="Succeeded")], NOW, False, id="in-a-former-life"),
        pytest.param([entry(release="Failed")], None, False, id="it-failed"),
        pytest.param([entry(release="Running")], None, False, id="it-runs"),
        pytest.param([entry()], None, False, id="it-had-none"),
        pytest.param([entry(OLD, release="Succeeded")], None, False, id="another-image"),
    ],
)
def test_an_image_is_released_once(
    history: list[HistoryEntry], since: str | None, expected: bool
) -> None:
    assert was_released(history, NEW, from_rfc3339(since or "")) is expected
