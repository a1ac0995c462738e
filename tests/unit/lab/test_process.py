from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.errors import ServerError
from lab.identity import Identity, identify, is_alive
from lab.process import ServerDiedError, free_port, listens, reap, stop, wait_ready
from lab.spawn import spawn

Start = Callable[[str], tuple[subprocess.Popen[bytes], Identity]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.fixture
def start(log: Path) -> Iterator[Start]:
    children: list[subprocess.Popen[bytes]] = []

    def run(script: str) -> tuple[subprocess.Popen[bytes], Identity]:
        child = spawn(["/bin/sh", "-c", script], log=log)
        children.append(child)
        return child, identify(child.pid) or Identity(child.pid, 0)

    yield run
    for child in children:
        child.kill()
        child.wait()


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 5
    while text not in path.read_text("utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_dies_early_shows_the_end_of_its_log(start: Start, log: Path) -> None:
    _, identity = start("echo 'bind: address already in use'; exit 1")
    with pytest.raises(ServerDiedError, match=r"(?s)it ended.*already in use"):
        wait_ready("it", identity, lambda: False, log=log, seconds=30)


def test_a_server_that_is_never_ready_is_given_up_at_the_deadline(start: Start, log: Path) -> None:
    _, identity = start("echo still thinking; sleep 60")
    wait_for(log, "thinking")
    with pytest.raises(ServerError, match=r"(?s)not ready within 0 s.*still thinking"):
        wait_ready("it", identity, lambda: False, log=log, seconds=0.2)


def test_a_dead_server_is_not_ready_whoever_answers_for_it(start: Start, log: Path) -> None:
    child, identity = start("exit 0")
    child.wait()
    with pytest.raises(ServerDiedError):
        wait_ready("it", identity, lambda: True, log=log, seconds=30)


def test_stop_escalates_to_sigkill(start: Start, log: Path) -> None:
    child, identity = start("trap '' TERM; echo deaf; while :; do sleep 0.1; done")
    wait_for(log, "deaf")
    began = time.monotonic()
    stop("it", identity, grace_seconds=0.3)
    assert 0.3 <= time.monotonic() - began < 3
    reap(child)
    assert child.returncode == -9


def test_stop_lets_a_server_end_by_itself(start: Start, log: Path) -> None:
    child, identity = start("trap 'exit 7' TERM; echo up; while :; do sleep 0.02; done")
    wait_for(log, "up")
    stop("it", identity, grace_seconds=5)
    reap(child)
    assert child.returncode == 7


def test_stop_takes_along_what_the_server_started(start: Start, log: Path) -> None:
    child, identity = start("sleep 60 & echo $!; wait")
    wait_for(log, "\n")
    grandchild = identify(int(log.read_text("utf-8")))
    assert grandchild is not None
    stop("it", identity, grace_seconds=2)
    reap(child)
    deadline = time.monotonic() + 2
    while is_alive(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_reused_pid_is_left_alone(start: Start, log: Path) -> None:
    child, identity = start("sleep 60")
    somebody_else = Identity(identity.pid, identity.start_time - 1)
    stop("it", somebody_else, grace_seconds=0.1)
    assert child.poll() is None
    assert not is_alive(somebody_else)
    assert is_alive(identity)


def test_an_ended_child_is_not_alive_though_nobody_took_its_exit_code(start: Start) -> None:
    child, identity = start("exit 0")
    deadline = time.monotonic() + 5
    while is_alive(identity):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert child.wait() == 0


def test_a_port_counts_for_the_process_that_listens_on_it(start: Start) -> None:
    port = free_port()
    _, identity = start("sleep 60")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        assert not listens(os.getpid(), port)
        listener.listen()
        assert listens(os.getpid(), port)
        assert not listens(identity.pid, port)


PARENT = """
import sys, time
from pathlib import Path
from lab.spawn import spawn
import threading
def start():
    print(spawn(["sleep", "60"], log=Path(sys.argv[1])).pid, flush=True)
thread = threading.Thread(target=start)
thread.start()
thread.join()
sys.stdin.read()
"""


def test_children_die_with_a_killed_parent_but_not_with_the_thread_that_started_them(
    log: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as parent:
        assert parent.stdout is not None
        child = identify(int(parent.stdout.readline()))
        assert child is not None
        time.sleep(0.05)
        assert is_alive(child)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 5
    while is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)
