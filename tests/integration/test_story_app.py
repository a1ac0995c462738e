"""The program of the story's application, run as a process of this machine."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab import story_app
from lab.builder import build
from lab.httpclient import Response, answers, request
from lab.process import free_port
from lab.recipes import book
from lab.scenario import wait_for

PROGRAM = "page"


@pytest.fixture(scope="module")
def program() -> str:
    return str(build(book().select([PROGRAM]))[PROGRAM])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "page.html").write_text("<h1>hello</h1>")
    return {
        "PORT": str(free_port()),
        "PAGE_FILE": str(tmp_path / "page.html"),
        "COUNT_FILE": str(tmp_path / "count"),
        "KAPSA_COMMIT": "4f2e8c1",
        "KAPSA_BRANCH": "feature/<b>",
    }


@contextmanager
def serving(program: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for("the application answers", lambda: answers(url(environment, "/healthz")))
            yield process
        finally:
            process.kill()


def url(environment: dict[str, str], path: str) -> str:
    return f"http://127.0.0.1:{environment['PORT']}{path}"


def get(environment: dict[str, str], path: str, method: str = "GET") -> Response:
    return request(method, url(environment, path))


def run(program: str, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [program, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=20,
    )
    return done.returncode, done.stdout


def test_the_page_shows_the_commit_and_the_file(program: str, environment: dict[str, str]) -> None:
    with serving(program, environment):
        found = get(environment, "/")
    text = found.body.decode()
    assert found.headers["X-Commit"] == "4f2e8c1"
    assert "<h1>hello</h1>" in text
    assert "<dt>commit<dd>4f2e8c1" in text
    assert "<dt>branch<dd>feature/&lt;b&gt;" in text


def test_variables_are_told_by_name(program: str, environment: dict[str, str]) -> None:
    with serving(program, environment | {"TOKEN": "a b"}):
        assert "TOKEN" in get(environment, "/env").body.decode().splitlines()
        assert get(environment, "/env/TOKEN").body == b"a b\n"
        assert get(environment, "/env/NOTHING").status == 404


def test_the_counter_outlives_the_process(program: str, environment: dict[str, str]) -> None:
    with serving(program, environment):
        assert get(environment, "/count").body == b"0\n"
        assert get(environment, "/count", "POST").body == b"1\n"
    with serving(program, environment):
        assert get(environment, "/count", "POST").body == b"2\n"


def test_a_request_is_finished_before_the_process_ends(
    program: str, environment: dict[str, str]
) -> None:
    answered: list[Response] = []
    with serving(program, environment) as process:
        assert process.stdout is not None
        slow = threading.Thread(target=lambda: answered.append(get(environment, "/slow?for=2s")))
        slow.start()
        wait_for("the request is under way", lambda: _connections(process.pid) > 0)
        process.send_signal(signal.SIGTERM)
        slow.join()
        assert process.wait(20) == 0
        assert process.stdout.read().splitlines()[-2:] == [
            "serve: finishing requests",
            "serve: ended",
        ]
    assert [answer.body for answer in answered] == [b"done\n"]


def _connections(pid: int) -> int:
    """How many established connections a process has: its sockets but the one that listens."""
    sockets = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            sockets.add(str(file.readlink()))
    inodes = {name[8:-1] for name in sockets if name.startswith("socket:[")}
    tables = [Path(f"/proc/{pid}/net/{name}").read_text("ascii") for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return sum(row[3] == "01" and row[9] in inodes for row in rows)


def test_a_worker_goes_on_until_it_is_told_to_end(
    program: str, environment: dict[str, str]
) -> None:
    command = [program, "worker"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "worker: round 1 of commit 4f2e8c1\n"
        assert process.stdout.readline() == "worker: round 2 of commit 4f2e8c1\n"
        process.terminate()
        assert process.stdout.read().endswith("worker: ended\n")
    assert process.returncode == 0


def test_other_commands_end_by_themselves(program: str, environment: dict[str, str]) -> None:
    assert run(program, environment, "task") == (0, "task: done by commit 4f2e8c1\n")
    assert run(program, environment, "migrate") == (
        0,
        "migrate: to commit 4f2e8c1\nmigrate: done\n",
    )
    code, said = run(program, environment, "crash")
    assert (code, said.splitlines()[-1]) == (
        1,
        "crash: there is no setting DATABASE_URL (commit 4f2e8c1)",
    )
    code, said = run(program, environment, "nonsense")
    assert (code, "there is no command" in said) == (1, True)


def test_a_migration_fails_where_the_page_says_so(
    program: str, environment: dict[str, str]
) -> None:
    Path(environment["PAGE_FILE"]).write_text(story_app.BROKEN_MIGRATION)
    code, said = run(program, environment, "migrate")
    assert (code, "migrate: failed" in said) == (1, True)
    assert run(program, environment, "migrate", "another word")[0] == 0
