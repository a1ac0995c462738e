"""The README's first command: it tells its story, checks it, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from lab.demo.story import Story
from lab.identity import Identity, identify, is_alive

ROOT = Path(__file__).resolve().parents[2]
ENDS_WITHIN = 400.0
SERVERS = ("etcd", "kube-apiserver", "gitea", "registry", "-m kapsa run")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for temporary files that Gitea's user may enter too."""
    with tempfile.TemporaryDirectory(prefix="kapsa-demo-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@dataclass
class Demo:
    """A demo that runs, and every process that was ever seen below it."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    seen: dict[Identity, str] = field(default_factory=dict)

    def wait(self, until: Callable[[], bool] = lambda: False) -> None:
        """Wait until the demo has ended, or `until` says so."""
        deadline = time.monotonic() + ENDS_WITHIN
        while self.process.poll() is None and not until():
            assert time.monotonic() < deadline, self.said()
            self._look_below(self.process.pid)
            time.sleep(0.1)

    def wait_for(self, text: str) -> None:
        """Wait until the demo has said something."""
        self.wait(lambda: text in self.out.read_text("utf-8"))
        assert text in self.out.read_text("utf-8"), self.said()

    def said(self) -> str:
        return self.out.read_text("utf-8") + self.err.read_text("utf-8")

    def survivors(self) -> list[str]:
        return [command for identity, command in self.seen.items() if is_alive(identity)]

    def _look_below(self, pid: int) -> None:
        try:
            threads = [*Path(f"/proc/{pid}/task").glob("*/children")]
        except OSError:
            return  # it has just ended
        for children in threads:
            for child in map(int, _read(children).split()):
                identity = identify(child)
                if identity is not None:
                    command = _read(Path(f"/proc/{child}/cmdline")).replace("\0", " ")
                    # A process that is just ending has none any more.
                    self.seen[identity] = command or self.seen.get(identity, "")
                    self._look_below(child)


@pytest.fixture
def start(tmp_path: Path, temporary: Path) -> Iterator[Callable[..., Demo]]:
    """Starts a demo as `make demo` does; whatever happens, it has ended afterwards."""
    started: list[Demo] = []

    def run(*arguments: str) -> Demo:
        out, err = tmp_path / "out", tmp_path / "err"
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "lab.demo", "--node", "simulated", *arguments],
                cwd=ROOT,
                env=os.environ | {"TMPDIR": str(temporary)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        started.append(Demo(process, out, err))
        return started[-1]

    yield run
    for demo in started:
        if demo.process.poll() is None:
            demo.process.terminate()
        demo.process.wait(60)


def assert_nothing_is_left(demo: Demo, temporary: Path) -> None:
    commands = "\n".join(demo.seen.values())
    assert [server for server in SERVERS if server not in commands] == []
    assert demo.survivors() == []
    assert list(temporary.iterdir()) == []


def test_the_demo_tells_its_story_once_checks_it_and_leaves_nothing(
    start: Callable[..., Demo], temporary: Path
) -> None:
    demo = start("--once")
    demo.wait()

    assert demo.process.returncode == 0, demo.said()
    steps = Story(MagicMock(), MagicMock()).steps()
    told = demo.out.read_text("utf-8")
    for number, step in enumerate(steps, 1):
        assert f"== {number}. {step.headline}" in told
        assert f"{number}  {step.title} " in told
    assert f"{len(steps)} steps, " in told
    assert "The lab's nodes are simulated" in told
    assert "http://pr-1-shop.apps.localhost" in told
    assert "Everything is stopped and removed." in told
    assert demo.err.read_text("utf-8") == ""
    assert_nothing_is_left(demo, temporary)


def test_the_demo_stays_until_ctrl_c_and_says_how_to_look_around(
    start: Callable[..., Demo], temporary: Path
) -> None:
    demo = start()
    demo.wait_for("until you press Ctrl-C")
    told = demo.out.read_text("utf-8")
    kubeconfig = told.rpartition("export KUBECONFIG=")[2].splitlines()[0]
    assert Path(kubeconfig).is_file()
    assert Path(told.rpartition("tail -f ")[2].splitlines()[0]).is_file()

    demo.process.send_signal(signal.SIGINT)
    demo.wait()

    assert demo.process.returncode == 0, demo.said()
    assert_nothing_is_left(demo, temporary)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_ended_in_the_middle_leaves_nothing(
    how: signal.Signals, start: Callable[..., Demo], temporary: Path
) -> None:
    demo = start("--once")
    demo.wait_for("== 3. ")

    demo.process.send_signal(how)
    demo.wait()

    assert demo.process.returncode == 130, demo.said()
    assert_nothing_is_left(demo, temporary)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
