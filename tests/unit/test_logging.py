"""Logs: one line a record, whatever anybody writes into it, and no secret."""

import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from kapsa import logging as kapsa_logging

NASTY = 'two\nlines\r\x1b[31mred\x00\u2028{"level":"forged"}\u202e'
Form = Literal["json", "console"]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    names = ("", "kopf", "kopf.objects", "asyncio")
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.split("\n")[:-1]


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(capsys)]


@pytest.mark.parametrize("form", ["json", "console"])
def test_one_line_a_record_whatever_the_message(
    capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    kapsa_logging.configure("INFO", form)
    structlog.get_logger("ours").info(NASTY, value=NASTY, many=[NASTY], error=ValueError(NASTY))
    logging.getLogger("theirs").warning("%s", NASTY)
    logging.getLogger("theirs").warning("extra", extra={"k8s_ref": {"name": NASTY}})
    found = lines(capsys)
    assert len(found) == 3
    assert all(line.isprintable() for line in found)


@pytest.mark.parametrize(("form", "expected"), [("json", 2), ("console", 4)])
def test_an_exception_is_on_the_line_of_its_record_and_for_people_on_the_next(
    capsys: pytest.CaptureFixture[str], form: Form, expected: int
) -> None:
    kapsa_logging.configure("INFO", form)
    for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            raise ValueError(NASTY)
        except ValueError:
            log.exception("it failed")
    found = lines(capsys)
    assert len(found) == expected
    assert all(line.isprintable() for line in found)
    for line in found[expected // 2 - 1 :: expected // 2]:
        assert "ValueError: two lines" in line
        assert "test_logging.py" in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_local_variable_is_logged_with_an_exception(
    capsys: pytest.CaptureFixture[str], form: Form
) -> None:
    def fail() -> None:
        password = "hunter" + "2"
        raise LookupError(len(password))

    kapsa_logging.configure("DEBUG", form)
    for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            fail()
        except LookupError:
            log.exception("it failed")
    try:
        raise ExceptionGroup("several", [LookupError("a"), ValueError("b")])
    except ExceptionGroup:
        structlog.get_logger("ours").exception("they failed")
    captured = capsys.readouterr().err
    assert "hunter2" not in captured
    assert "LookupError: a" in captured
    assert "ValueError: b" in captured


def test_json_says_who_when_what_and_how_bad(capsys: pytest.CaptureFixture[str]) -> None:
    kapsa_logging.configure("INFO", "json")
    structlog.get_logger("ours").info("applied", kind="Service")
    logging.getLogger("theirs").error("failed %d times", 3)
    ours, theirs = records(capsys)
    assert (ours["event"], ours["kind"], ours["level"], ours["logger"]) == (
        "applied",
        "Service",
        "info",
        "ours",
    )
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "failed 3 times",
        "error",
        "theirs",
    )


def test_kopfs_settings_are_not_dumped_into_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    kapsa_logging.configure("INFO", "json")
    extra = {"settings": "x" * 10_000, "k8s_ref": {"name": "web"}}
    logging.getLogger("kopf").warning("oh", extra=extra)
    (record,) = records(capsys)
    assert "settings" not in record
    assert record["k8s_ref"] == {"name": "web"}


def test_a_message_is_bounded_and_urls_lose_their_passwords(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kapsa_logging.configure("INFO", "json")
    structlog.get_logger("ours").info("x" * 100_000)
    structlog.get_logger("ours").info("https://me:secret@example.com/x")
    long, url = records(capsys)
    assert len(long["event"]) <= 8192
    assert url["event"] == "https://example.com/x"


def test_what_can_not_be_json_is_shown_somehow(capsys: pytest.CaptureFixture[str]) -> None:
    kapsa_logging.configure("INFO", "json")
    structlog.get_logger("ours").info("odd", value=object(), half="\ud800")
    assert len(records(capsys)) == 1


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("DEBUG", ["ours debug", "ours info", "ours warning"]),
        ("INFO", ["ours info", "ours warning"]),
        ("ERROR", []),
    ],
)
def test_less_severe_records_are_left_out(
    capsys: pytest.CaptureFixture[str], level: str, expected: list[str]
) -> None:
    kapsa_logging.configure(level, "json")
    log = structlog.get_logger("ours")
    log.debug("ours debug")
    log.info("ours info")
    log.warning("ours warning")
    assert [record["event"] for record in records(capsys)] == expected


def test_kopfs_account_of_each_event_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    kapsa_logging.configure("DEBUG", "json")
    logging.getLogger("kopf.objects").info("Handler 'observe' succeeded.")
    logging.getLogger("kopf.objects").warning("a warning")
    logging.getLogger("kopf.clients").debug("a detail")
    assert [record["event"] for record in records(capsys)] == ["a warning"]


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    kapsa_logging.configure("INFO", "json")
    kapsa_logging.configure("INFO", "json")
    structlog.get_logger("ours").info("once")
    assert len(lines(capsys)) == 1
