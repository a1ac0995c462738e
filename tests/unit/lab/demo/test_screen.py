"""How the story looks, on a terminal and elsewhere."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from lab.demo.play import Held, Played, Screen, Step
from lab.demo.screen import PlainScreen, TerminalScreen, screen_for, summary
from lab.demo.table import Row, rows
from tests.unit.lab.demo.world import NAME, SHA, snapshot, world

STEP = Step(
    title="Alice opens #1",
    headline="Alice opens pull request #1.",
    commands=("$ git push",),
    text="kind: Project\n",
    act=tuple,
)
ADMIN = Step(
    title="an admin", headline="An admin.", commands=(), act=tuple, see=("get", "registries")
)


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.demo.screen.time", SimpleNamespace(monotonic=lambda: 0.0))


def see(*arguments: str) -> str:
    return f"NAME of {' '.join(arguments)}\nshop\n"


def tell(screen: Screen, step: Step = STEP) -> None:
    screen.announce(3, step)
    with screen.watching(step) as show:
        for problem in ("it is red", "it is red", "it is blue", ""):
            show(snapshot(world()), problem)
    screen.came_true(Played(3, step, 2.04, (Held("it is green", 1.51),)))


def test_elsewhere_each_thing_that_happens_is_a_plain_line() -> None:
    stream = io.StringIO()
    tell(PlainScreen(stream, see))
    assert stream.getvalue().splitlines() == [
        "",
        "== 3. Alice opens pull request #1.",
        "   $ git push",
        "     kind: Project",
        "     0.0 s  not yet: it is red",
        "     0.0 s  not yet: it is blue",
        "   ✓   1.5 s  it is green",
        "   all of it after 2.0 s",
        "",
        "   $ kubectl get projects,environments -A",
        "   NAME of get projects,environments -A",
        "   shop",
    ]


def test_a_terminal_shows_the_environments_as_a_table() -> None:
    stream = io.StringIO()
    tell(TerminalScreen(Console(file=stream, width=120, color_system=None), see, "/lab/kubectl"))
    command, heads, cells, *rest = stream.getvalue().splitlines()[-5:]
    assert command == "   $ /lab/kubectl get projects,environments -A"
    assert heads.split() == ["NAME", "TYPE", "BRANCH", "PHASE", "READY", "URL", "COMMIT"]
    assert cells.split() == [
        "shop-pr-1",
        "preview",
        "feature/login",
        "Running",
        "True",
        "http://pr-1-shop.apps.localhost",
        "3f2a3f2",
    ]
    assert [line.rstrip() for line in rest] == [
        "   ✓   1.5 s  it is green",
        "   all of it after 2.0 s",
    ]


def test_a_narrow_terminal_shows_the_urls_below_the_table() -> None:
    stream = io.StringIO()
    tell(TerminalScreen(Console(file=stream, width=80, color_system=None), see))
    _, heads, cells, url, *_ = stream.getvalue().splitlines()[-6:]
    assert heads.split() == ["NAME", "TYPE", "BRANCH", "PHASE", "READY", "COMMIT"]
    assert cells.split() == [NAME, "preview", "feature/login", "Running", "True", SHA[:7]]
    assert url.rstrip() == "  http://pr-1-shop.apps.localhost"


def test_a_terminal_shows_what_kubectl_says_of_other_kinds() -> None:
    stream = io.StringIO()
    tell(TerminalScreen(Console(file=stream, width=120, color_system=None), see), ADMIN)
    assert "NAME of get registries\nshop\n" in stream.getvalue()
    assert "feature/login" not in stream.getvalue()


def test_rows_are_permanent_environments_first_and_then_the_oldest() -> None:
    young, old, permanent = (world()["Environment"] for _ in range(3))
    young["metadata"] |= {"name": "young", "creationTimestamp": "2026-01-02T00:00:00Z"}
    permanent["metadata"] |= {"name": "permanent", "creationTimestamp": "2026-01-03T00:00:00Z"}
    permanent["spec"] = {"type": "permanent"}
    del permanent["status"]

    found = rows(snapshot({"1": young, "2": old, "3": permanent}))

    assert [row.name for row in found] == ["permanent", NAME, "young"]
    assert found[0] == Row("permanent", "permanent", "", "", "", "", "")
    assert found[1].commit == SHA[:7]


def test_the_summary_has_the_time_of_each_step() -> None:
    a, b, c = (Held(name, 0.1) for name in "abc")
    played = [Played(1, ADMIN, 0.31, (a, b)), Played(2, STEP, 5.26, (c,))]
    assert summary(played).splitlines() == [
        "   1  an admin           0.3 s  ✓",
        "   2  Alice opens #1     5.3 s  ✓",
        "  2 steps, 3 checks, all hold; 6 s in all",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "variables", "expected"),
    [
        (Terminal(), {}, TerminalScreen),
        (Terminal(), {"CI": "true"}, PlainScreen),
        (Terminal(), {"TERM": "dumb"}, PlainScreen),
        (Terminal(), {"COLUMNS": "40"}, PlainScreen),
        (io.StringIO(), {}, PlainScreen),
    ],
)
def test_only_a_persons_terminal_that_is_wide_enough_gets_the_table(
    stream: io.StringIO,
    variables: dict[str, str],
    expected: type,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in ({"TERM": "xterm", "COLUMNS": "100"} | variables).items():
        monkeypatch.setenv(name, value)
    assert isinstance(screen_for(stream, see, "kubectl"), expected)
