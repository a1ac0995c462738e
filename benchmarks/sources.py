"""What it costs to see what a commit changes: bytes from the git server, against clones.

Run it with `python -m benchmarks.sources`. It needs git, and no laboratory.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from kapsa.adapters.addresses import AddressPolicy
from kapsa.adapters.git_remote import GitRemote
from kapsa.adapters.git_repository import GitRepositories
from tests.unit.adapters.git_origin import Origin
from tests.unit.adapters.git_server import GitServer

LIMIT = 0.05
"""Most bytes for the first commit, as a share of a full clone."""

_WORDS = 400
_DIRECTORIES = 40
_CHANGED = 5


def main() -> int:
    """Run the benchmark and print what it found; 1 if it took more than `LIMIT` of a clone."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as root:
        origin = Origin(GitServer(Path(root)))
        commits = _fill(origin, asked.files, asked.commits)
        return asyncio.run(_measure(origin, commits, root))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="files of the repository")
    parser.add_argument("--commits", type=int, default=100, help="commits of its history")
    return parser.parse_args()


def _fill(origin: Origin, files: int, commits: int) -> list[str]:
    """Make a history in which each commit changes some files; return its commits."""
    chance = random.Random(1)  # noqa: S311 - the same repository each time

    def text() -> str:
        return " ".join(f"{chance.getrandbits(32):x}" for _ in range(_WORDS))

    names = [f"directory{number % _DIRECTORIES}/file{number}.txt" for number in range(files)]
    made = [origin.commit(files={name: text() for name in names})]
    for _ in range(commits - 1):
        lines = []
        for name in chance.sample(names, _CHANGED):
            content = text().encode()
            lines += [f"M 100644 inline {name}".encode(), b"data %d" % len(content), content]
        made.append(origin.import_commit("a change", lines))
    return made


async def _measure(origin: Origin, commits: list[str], root: str) -> int:
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", origin.server.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        url = f"{server.make_url('/')}shop.git"
        full = await _clone(origin, url, f"{root}/full")
        shallow = await _clone(origin, url, f"{root}/shallow", "--depth=1")
        with ThreadPoolExecutor(1) as executor:
            repositories = GitRepositories(
                GitRemote(AddressPolicy(("127.0.0.1",)), allow_http=True),
                executor,
                directory=f"{root}/cache",
                cache_size=2**30,
            )
            first = await _read(origin, repositories, url, commits[:1])
            later = await _read(origin, repositories, url, commits[1:])
            again = await _read(origin, repositories, url, commits)
            repositories.close()
    _show("full clone", full, full)
    _show("shallow clone", shallow, full)
    _show("first commit", first, full)
    _show("each of the next", (later[0] // len(commits[1:]), later[1] / len(commits[1:])), full)
    _show("each of all again", (again[0] // len(commits), again[1] / len(commits)), full)
    if first[0] > LIMIT * full[0]:
        print(f"FAILED: more than {LIMIT:.0%} of a full clone", file=sys.stderr)
        return 1
    return 0


async def _clone(origin: Origin, url: str, path: str, *options: str) -> tuple[int, float]:
    origin.server.sent, began = 0, time.monotonic()
    command = ["git", "clone", "--bare", "--quiet", *options, url, path]
    await asyncio.to_thread(subprocess.run, command, check=True)
    return origin.server.sent, time.monotonic() - began


async def _read(
    origin: Origin, repositories: GitRepositories, url: str, commits: list[str]
) -> tuple[int, float]:
    origin.server.sent, began = 0, time.monotonic()
    for commit in commits:
        await repositories.read_source(url, commit, with_files=True)
    return origin.server.sent, time.monotonic() - began


def _show(what: str, cost: tuple[int, float], full: tuple[int, float]) -> None:
    size, seconds = cost
    share = f"{size / full[0]:8.3%} of a clone"
    print(f"{what:<20} {size / 1024:10.1f} KiB  {share}  {seconds * 1000:8.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
