"""Text of other systems: one line, bounded, without credentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapsa.utils.text import MESSAGE_LIMIT, last_lines, sanitise

ANY_TEXT = st.text(st.characters(exclude_categories=()))
SECRETS = st.text("abcXYZ019+/=.-_$(|*", min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fine", "fine"),
        ("two\nlines\r\n", "two lines"),
        ("a\x00\x1b[31mb\x7f", "a [31mb"),
        ("next\u2028line\u0085", "next line"),
        ("abc\u202egnp.exe", "abc gnp.exe"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("fatal: https://bot:t0ken@git.example.com/a.git", "fatal: https://git.example.com/a.git"),
        ("https://u:p@ss@git.example.com/a", "https://git.example.com/a"),
        (
            "https://a@b.example/x and ssh://git@c.example/y",
            "https://b.example/x and ssh://c.example/y",
        ),
        ("mail me@example.com", "mail me@example.com"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("", ""),
    ],
)
def test_text_is_made_fit_for_a_status(text: str, expected: str) -> None:
    assert sanitise(text) == expected


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("token abc refused", ("abc",), "token [redacted] refused"),
        ("abcdef abc", ("abc", "abcdef"), "[redacted] [redacted]"),
        ("abc red", ("abc", "red"), "[redacted] [redacted]"),
        ("a.c abc", ("a.c",), "[redacted] abc"),
        ("nothing", ("",), "nothing"),
        ("https://u:p@ss@host/a", ("p@ss",), "https://host/a"),
    ],
)
def test_known_secrets_are_replaced(text: str, secrets: tuple[str, ...], expected: str) -> None:
    assert sanitise(text, secrets=secrets) == expected


@given(ANY_TEXT, st.integers(min_value=1, max_value=200))
def test_the_result_is_one_bounded_line_that_can_be_encoded(text: str, limit: int) -> None:
    result = sanitise(text, limit)

    assert len(result) <= limit
    assert len(result.splitlines()) <= 1
    assert result.encode().decode() == result


@given(ANY_TEXT, SECRETS, ANY_TEXT)
def test_no_secret_survives(before: str, secret: str, after: str) -> None:
    result = sanitise(before + secret + after, limit=10_000, secrets=(secret,))

    assert secret not in result.replace("[redacted]", "\n")


@given(ANY_TEXT)
def test_sanitising_twice_changes_nothing_more(text: str) -> None:
    once = sanitise(text)

    assert sanitise(once) == once


def test_a_cut_is_shown() -> None:
    assert sanitise("a" * 2000) == "a" * (MESSAGE_LIMIT - 1) + "…"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("", 20, ""),
        ("\n \r\n", 20, ""),
        ("one\ntwo\r\nthree\n", 40, "one | two | three"),
        ("one\ntwo\nthree", 11, "two | three"),
        ("one\ntwo\nthree", 10, "three"),
        ("short\n" + "x" * 30, 10, "x" * 9 + "…"),
        ("\x1b[31mred\x1b[0m\n", 20, "[31mred [0m"),
    ],
)
def test_the_end_of_a_log_is_kept_line_by_line(text: str, limit: int, expected: str) -> None:
    assert last_lines(text, limit) == expected


def test_a_secret_of_several_lines_shows_in_none_of_them() -> None:
    log = "begin\n-----KEY-----\nabc\n-----END-----\nfailed"

    assert last_lines(log, 80, ("-----KEY-----\nabc\n-----END-----",)) == (
        "begin | [redacted] | failed"
    )


@given(text=ANY_TEXT, limit=st.integers(1, 60))
def test_the_end_of_any_log_fits(text: str, limit: int) -> None:
    assert len(last_lines(text, limit)) <= limit
