"""The plan as a table on a terminal."""

import io
from typing import Any

import pytest

from kapsa.cli.planning.table import write_tables
from kapsa.cli.planning.values import Action, PlannedEnvironment, PlannedProject
from kapsa.core.conditions import Blocked
from tests.builders import environment_manifest

GREEN, RED = "\x1b[32m", "\x1b[31m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def planned(action: Action, name: str, **more: Any) -> PlannedEnvironment:
    return PlannedEnvironment(action, environment_manifest(name, branch="main"), **more)


def shown(*environments: PlannedEnvironment, terminal: bool = True) -> str:
    stream = Terminal() if terminal else io.StringIO()
    write_tables([PlannedProject("shop", "team-a", environments=environments)], stream)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def test_on_a_terminal_actions_have_colours() -> None:
    text = shown(planned("create", "web"), planned("delete", "old"))

    assert f"{GREEN}create" in text
    assert f"{RED}delete" in text


@pytest.mark.parametrize("wish", ["NO_COLOR", "a file"])
def test_nobody_gets_colours_who_wants_none(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if wish == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")

    text = shown(planned("create", "web"), terminal=wish == "NO_COLOR")

    assert "create" in text
    assert GREEN not in text


def test_the_title_counts_what_happens() -> None:
    text = shown(
        planned("create", "a"), planned("create", "b"), planned("unchanged", "c"), terminal=False
    )

    assert text.splitlines()[0] == "Project team-a/shop: 2 to create, 1 unchanged"


def test_what_an_environment_is_blocked_by_is_said_without_steering_the_terminal() -> None:
    blocked = Blocked("HostTaken", "taken\x1b[2J by others")

    text = shown(planned("wait", "web", blocked=blocked))

    assert "web: HostTaken: taken [2J by others" in text
