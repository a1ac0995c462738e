"""How the demo ends: its exit codes, and what it says on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest

from lab.demo import cli
from lab.demo.checks import Check
from lab.demo.facts import facts
from lab.demo.play import Step, play
from lab.demo.snapshot import Snapshot
from lab.errors import ServerError
from tests.unit.lab.demo.world import snapshot, world

SCENE = SimpleNamespace(
    platform=SimpleNamespace(kubectl=lambda *_: "what kubectl says", routing=None),
    ca_file=None,
    operator=SimpleNamespace(
        log_file="/lab/logs/operator.log", last_lines=lambda _: "the last line of the log"
    ),
    kubectl="kubectl",
    app=None,
    files=None,
    look=lambda: snapshot(world()),
)


class Run:
    """Runs the demo with a story of one step, on a stage that isn't there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken_down = False
        self.act: Callable[[], tuple[Check, ...]] = tuple
        monkeypatch.setattr(cli, "stage", self._stage)
        monkeypatch.setattr(cli, "Story", lambda *_: self)
        monkeypatch.setattr(sys, "argv", ["demo", "--once", "--node", "simulated"])
        monkeypatch.setattr(cli, "play", partial(play, within=-1))

    def prepare(self) -> None:
        pass

    def steps(self) -> tuple[Step, ...]:
        return (Step(title="a walk", headline="A walk.", commands=(), act=self.act),)

    def __call__(self) -> object:
        try:
            cli.main()
        except SystemExit as end:
            return end.code
        return 0

    @contextmanager
    def _stage(self, _say: Callable[[str], None], _node: str) -> Iterator[SimpleNamespace]:
        try:
            yield SCENE
        finally:
            self.taken_down = True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_a_story_that_comes_true_ends_with_0(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.act = lambda: (Check("the sun shines", lambda _: ""),)
    assert run() == 0
    said = capsys.readouterr()
    assert "s  the sun shines" in said.out
    assert "The lab's nodes are simulated" in said.out
    assert said.err == ""
    assert run.taken_down


def test_a_step_that_is_not_so_ends_with_1_and_says_what_there_is(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.act = lambda: (Check("the sun shines", lambda _: "it rains"),)
    assert run() == 1
    said = capsys.readouterr().err
    assert "step 1 (a walk) did not come true" in said
    assert "the sun shines: it rains" in said
    assert "Environment kapsa-shop-1/shop-pr-1 phase=Running" in said
    assert "  Ready=True Ready: it runs" in said
    assert "  Deployment shop-pr-1 1/1 ready" in said
    assert "  Pod shop-pr-1 Running" in said
    assert "the last line of the log" in said
    assert run.taken_down


def raises(error: BaseException) -> Callable[[], tuple[Check, ...]]:
    def act() -> tuple[Check, ...]:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [(ServerError("the operator has ended"), 4), (KeyboardInterrupt(), 130)],
)
def test_other_ends_have_codes_of_their_own(run: Run, error: BaseException, code: int) -> None:
    run.act = raises(error)
    assert run() == code
    assert run.taken_down


def test_what_is_not_there_is_said_too() -> None:
    assert facts(Snapshot()) == ["the cluster has no object of Kapsa"]
