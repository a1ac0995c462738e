from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.lock import exclusive

HOLD = """
import sys
from pathlib import Path
from lab.lock import exclusive
with exclusive(Path(sys.argv[1]), "build", print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_build_waits_and_says_for_whom(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        said: list[str] = []

        def let_go(message: str) -> None:
            said.append(message)
            assert holder.stdin is not None
            holder.stdin.close()

        with exclusive(lock, "build", let_go):
            assert said == [f"waiting for another build (pid {holder.pid})"]


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
        holder.wait()
    with exclusive(lock, "build", lambda message: None):
        pass
