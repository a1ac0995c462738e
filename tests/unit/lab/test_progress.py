from __future__ import annotations

import io

import pytest

from lab.builder.progress import LiveDisplay, PlainDisplay, display, duration


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_plain_progress_says_what_is_built_and_speaks_every_thirty_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    plain = PlainDisplay(stream, clock)
    plain.start("etcd 3.6.8", 1, 9, 53)
    for second in range(1, 71):
        clock.now = float(second)
        plain.tick()
    plain.finish()
    assert stream.getvalue().splitlines() == [
        "lab: [1/9] etcd 3.6.8: building, about 53 s on two cores",
        "lab: [1/9] etcd 3.6.8: 30 s of about 53 s",
        "lab: [1/9] etcd 3.6.8: 60 s of about 53 s",
        "lab: [1/9] etcd 3.6.8: done in 70 s",
    ]


def test_what_is_not_a_terminal_gets_plain_lines() -> None:
    with display(io.StringIO()) as shown:
        assert isinstance(shown, PlainDisplay)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with display(stream) as shown:
        assert isinstance(shown, LiveDisplay)
        shown.say("hello [1/2]")
        shown.start("etcd 3.6.8", 1, 9, 53)
        shown.tick()
        shown.finish()
    assert "hello [1/2]" in stream.getvalue()
    assert "[1/9] etcd 3.6.8" in stream.getvalue()


def test_a_terminal_of_a_ci_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with display(Terminal()) as shown:
        assert isinstance(shown, PlainDisplay)


@pytest.mark.parametrize(("seconds", "text"), [(4.6, "5 s"), (89, "89 s"), (270, "4 min 30 s")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
