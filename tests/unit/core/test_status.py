"""Whether a status is worth a write."""

from typing import Any

import pytest

from kapsa.core.status import worth_writing
from kapsa.models.environment import EnvironmentStatus, HistoryEntry
from kapsa.models.project_status import ProjectStatus

EMPTY = ProjectStatus()


def polled(last: str | None, following: str | None = None, **more: Any) -> ProjectStatus:
    """Return a status with times of polls, given as minutes and seconds of one hour."""
    times = [None if time is None else f"2026-01-01T00:{time}Z" for time in (last, following)]
    return ProjectStatus(last_poll_time=times[0], next_poll_time=times[1], **more)


@pytest.mark.parametrize(
    ("new", "previous", "expected"),
    [
        pytest.param(EMPTY, EMPTY, False, id="the-same-is-not"),
        pytest.param(polled("00:59"), polled("00:00"), False, id="a-poll-within-a-minute-is-not"),
        pytest.param(polled("01:00"), polled("00:00"), True, id="a-poll-a-minute-later-is"),
        pytest.param(polled("00:00"), EMPTY, True, id="the-first-poll-is"),
        pytest.param(polled("00:00"), polled("05:00"), False, id="a-clock-set-back-is-not"),
        pytest.param(
            polled("00:00", "09:00"),
            polled("00:00", "05:00"),
            False,
            id="the-next-poll-alone-is-not",
        ),
        pytest.param(
            polled("00:10", url="http://a"), polled("00:00"), True, id="with-another-change-it-is"
        ),
        pytest.param(
            polled(None), polled("00:00"), False, id="a-time-that-is-not-known-any-more-is-not"
        ),
    ],
)
def test_worth_writing(new: ProjectStatus, previous: ProjectStatus, expected: bool) -> None:
    assert worth_writing(new, previous) == (new if expected else None)


def test_the_history_of_an_environment_rides_along_with_what_else_has_changed() -> None:
    entry = HistoryEntry(image="shop:1", started_at="2026-01-01T00:00:00Z")
    before = EnvironmentStatus(phase="Running")

    assert worth_writing(EnvironmentStatus(phase="Running", history=(entry,)), before) is None
    assert worth_writing(EnvironmentStatus(phase="Failed", history=(entry,)), before) is not None


def test_any_change_of_another_kind_is_written() -> None:
    new = EnvironmentStatus(url="http://a")

    assert worth_writing(new, EnvironmentStatus()) is new
    assert worth_writing(new, new) is None
