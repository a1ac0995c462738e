"""The command line of the demo."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from lab import cli as lab_cli
from lab.demo import farewell
from lab.demo.facts import facts
from lab.demo.pages import Reader
from lab.demo.play import StepFailedError, play
from lab.demo.real_story import RealStory
from lab.demo.screen import screen_for, summary
from lab.demo.snapshot import Snapshot
from lab.demo.stage import Stage, stage, what_forbids_a_real_node
from lab.demo.story import Story
from lab.errors import LabError
from lab.interrupts import Terminated, sigterm_interrupts
from lab.node.requirements import choose
from lab.recipes import Asked, NodeKind

_LOG_LINES = 20


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--once", is_flag=True, help="Tell the story, check every step, and end.")
@click.option(
    "--node",
    type=click.Choice(["auto", "real", "simulated"]),
    default="auto",
    show_default=True,
    help="Whether containers really run; auto: where this machine can.",
)
def demo(once: bool, node: Asked) -> None:
    """Show what Kapsa does, on real servers on this machine.

    Starts a laboratory (etcd, the Kubernetes control plane, nodes, a Gitea with a private
    repository, a registry that asks for a password), runs the operator in it under its own
    ServiceAccount, and tells a story: a Project, pull requests that get running Environments, a
    new commit, a pull request that is closed. After each step the objects are checked, and the
    time that it took is shown. Then everything stays for you to look at, until Ctrl-C.

    With a real node (as root, with runc) Kapsa builds the commits with BuildKit, and
    each page is fetched over HTTPS. With simulated nodes nothing answers at the URLs.

    The servers are built once, which takes about 13 minutes on two cores, and 25 with a real node;
    see `python -m lab --help`. Later runs start in seconds. Your own kubeconfig is never read or
    changed.

    On a terminal a table follows the Environments while they change. Where the output is no
    terminal, or CI is set, or TERM is `dumb`, plain lines are written. Errors go to standard
    error.

    \b
    Exit codes: 0 the story came true, 1 a step did not, 2 wrong usage, 3 a build failed,
    4 a server or the operator failed, 130 interrupted before the end of the story.
    """  # noqa: D301 - \b is for click
    with sigterm_interrupts(), _hangup_interrupts():
        try:
            _tell(choose(node, what_forbids_a_real_node, _say), once=once)
        except BrokenPipeError as error:
            # What is still buffered must not fail again when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise LabError("nobody reads the output any more") from error


def _tell(node: NodeKind, *, once: bool) -> None:
    truth = farewell.REAL if node == "real" else farewell.SIMULATED
    with stage(_say, node) as scene:
        try:
            _say(truth)
            _say(farewell.POLLS)
            if not once:
                _say(farewell.follow_along(scene))
            last = _play(scene)
            _say(truth)
            if not once:
                _say(farewell.look_around(scene, last))
                _stay(scene)
        finally:
            _say("Stopping …")
    _say("Everything is stopped and removed.")


def _play(scene: Stage) -> Snapshot:
    story = _story(scene)
    story.prepare()
    screen = screen_for(sys.stdout, scene.platform.kubectl, scene.kubectl)
    try:
        played = play(story.steps(), scene.look, screen)
    except StepFailedError as error:
        _explain(scene, error)
        raise
    _say(f"What happened, and how long it took to come true:\n{summary(played)}")
    return scene.look()


def _story(scene: Stage) -> Story | RealStory:
    routing = scene.platform.routing
    if scene.ca_file is None or routing is None:
        return Story(scene.app, scene.files, scene.kubectl)
    return RealStory(scene.app, scene.files, Reader(routing, scene.ca_file), scene.kubectl)


def _explain(scene: Stage, error: StepFailedError) -> None:
    lines = (
        "",
        "What there is:",
        *facts(error.snapshot),
        "",
        f"The last lines of the operator's log ({scene.operator.log_file}):",
        scene.operator.last_lines(_LOG_LINES),
        "",
    )
    click.echo("\n".join(lines), err=True)


def _stay(scene: Stage) -> None:
    """Return on Ctrl-C or SIGTERM, which is how the demo is meant to end."""
    try:
        while not threading.Event().wait(1.0):
            scene.require_operator()
    except KeyboardInterrupt:
        click.echo()


@contextmanager
def _hangup_interrupts() -> Iterator[None]:
    """End as by Ctrl-C where the terminal is closed, and not without cleaning up."""

    def interrupt(_number: int, _frame: object) -> None:
        raise Terminated

    if signal.getsignal(signal.SIGHUP) != signal.SIG_DFL:  # nohup
        yield
        return
    signal.signal(signal.SIGHUP, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _say(text: str) -> None:
    click.echo(f"\n{text}")


def main() -> None:
    """Run the demo; ends the process with the exit code."""
    lab_cli.main(demo)
