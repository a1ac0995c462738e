"""The API server's time."""

import time
from email.utils import formatdate

import pytest

from kapsa.adapters.clock import ServerClock


def test_until_the_server_has_spoken_it_is_this_machines_time() -> None:
    assert ServerClock().now() == pytest.approx(time.time(), abs=1)


@pytest.mark.parametrize("offset", [-600, 600, 86_400])
def test_a_machine_whose_clock_is_wrong_goes_by_the_server(offset: int) -> None:
    clock = ServerClock()
    clock.observe(formatdate(time.time() + offset, usegmt=True))
    assert clock.now() == pytest.approx(time.time() + offset, abs=2)


def test_it_does_not_jitter_with_the_whole_seconds_of_the_header() -> None:
    clock = ServerClock()
    clock.observe(formatdate(time.time() - 0.9, usegmt=True))
    assert clock.now() == pytest.approx(time.time(), abs=0.2)


def test_it_comes_back_when_the_machine_is_set_right() -> None:
    clock = ServerClock()
    clock.observe(formatdate(time.time() + 600, usegmt=True))
    clock.observe(formatdate(time.time(), usegmt=True))
    assert clock.now() == pytest.approx(time.time(), abs=2)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "yesterday",
        "Mon, 99 Foo 2026 00:00:00 GMT",
        "Thu, 01 Jan 99999999999 00:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 +9999999",
        "\x00",
    ],
)
def test_a_header_that_makes_no_sense_changes_nothing(header: str | None) -> None:
    clock = ServerClock()
    clock.observe(header)
    assert clock.now() == pytest.approx(time.time(), abs=1)
