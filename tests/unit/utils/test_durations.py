"""Durations: one parser for manifests and settings."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.utils.durations import MAXIMUM, PATTERN, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("168h", 604_800),
        ("2w", 1_209_600),
        ("1m1m", 120),
        ("0s", 0),
        ("300", 300),
        ("007", 7),
        (300, 300),
        (0, 0),
        (MAXIMUM, MAXIMUM),
        ("36500d", MAXIMUM),
        ("36500d1s", MAXIMUM),
        ("999999999w", MAXIMUM),
    ],
)
def test_a_duration_means_its_seconds(text: str | int, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "1.5h",
        "1h ",
        " 1h",
        "1h\n",
        "90s\n",
        "1H",
        "-1s",
        "+1s",
        "s",
        "1y",
        "٣s",
        "٣",
        "1h-30m",
        "1_000s",
        "1234567890s",
        "1" * 5000,
        True,
        False,
        None,
        1.5,
        b"1s",
        ["1s"],
    ],
)
def test_anything_else_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="is no duration: write 90s, 1h30m, 7d"):
        parse_duration(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "message"),
    [(-1, "is negative"), (MAXIMUM + 1, "hundred years")],
)
def test_a_number_out_of_range_is_refused(value: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_duration(value)


@given(st.integers(min_value=0, max_value=MAXIMUM))
def test_what_is_formatted_parses_to_the_same_seconds(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(min_value=0, max_value=MAXIMUM))
def test_what_is_formatted_is_accepted_by_the_api_server(seconds: int) -> None:
    assert re.fullmatch(PATTERN, format_duration(seconds))


@given(st.text() | st.integers() | st.text("0123456789smhdw", max_size=30))
def test_a_value_is_either_a_number_of_seconds_or_a_value_error(value: str | int) -> None:
    try:
        seconds = parse_duration(value)
    except ValueError:
        return
    assert 0 <= seconds <= MAXIMUM


@given(st.from_regex(PATTERN, fullmatch=True).map(str.strip))
def test_any_text_that_the_api_server_accepts_is_understood(text: str) -> None:
    assert 0 <= parse_duration(text) <= MAXIMUM


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "1h30m"), (604_800, "1w"), (694_861, "1w1d1h1m1s")],
)
def test_seconds_are_shown_in_the_largest_units(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text
