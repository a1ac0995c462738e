"""Clones on disk: bounded, for one user at a time, and nothing left of processes that died."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kapsa.adapters.credentials import Credentials
from kapsa.adapters.errors import Stalled
from kapsa.adapters.git_cache import CacheDirectory, GitCache
from kapsa.models.reasons import Reason
from tests.unit.adapters.conftest import MakeRepositories, Serve
from tests.unit.adapters.git_origin import Origin
from tests.unit.adapters.git_server import GitServer

ADA, EVE = Credentials("ada", "1"), Credentials("eve", "2")


async def use(cache: GitCache, url: str, size: int, who: Credentials | None = None) -> Path:
    """Let a clone come to be of that size."""
    async with cache.lend(url, who) as clone:
        clone.path.mkdir(exist_ok=True)
        clone.size = size
        return clone.path


async def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = GitCache(tmp_path, 100)
    paths = [await use(cache, url, 40) for url in "ab"]
    await use(cache, "a", 40)

    paths.append(await use(cache, "c", 40))

    assert [path.exists() for path in paths] == [True, False, True]
    assert (len(cache), cache.size) == (2, 80)


async def test_a_clone_that_is_in_use_stays_until_it_is_given_back(tmp_path: Path) -> None:
    cache = GitCache(tmp_path, 100)
    async with cache.lend("a", None) as clone:
        clone.path.mkdir()
        clone.size = 90
        other = await use(cache, "b", 90)
        assert (clone.path.exists(), other.exists()) == (True, False)
        await use(cache, "c", 90)

    assert cache.size <= 100


async def test_a_clone_above_the_bound_is_used_once(tmp_path: Path) -> None:
    cache = GitCache(tmp_path, 100)

    path = await use(cache, "a", 101)

    assert not path.exists()
    assert await use(cache, "a", 10) != path


async def test_every_address_and_everybody_has_a_clone_of_their_own(tmp_path: Path) -> None:
    cache = GitCache(tmp_path, 100)

    paths = {await use(cache, url, 1, who) for url in "ab" for who in (None, ADA, EVE)}

    assert len(paths) == 6
    assert paths == {await use(cache, url, 1, who) for url in "ab" for who in (None, ADA, EVE)}


async def test_a_clone_has_one_user_at_a_time_and_others_are_not_in_the_way(tmp_path: Path) -> None:
    cache, order = GitCache(tmp_path, 100), []

    async def borrow(url: str, name: str) -> None:
        async with cache.lend(url, None):
            order.append(f"{name} has it")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            order.append(f"{name} had it")

    await asyncio.gather(borrow("a", "1"), borrow("a", "2"), borrow("b", "3"))

    assert order.index("1 had it") < order.index("2 has it")
    assert order.index("3 has it") < order.index("1 had it")


def test_the_next_process_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "somebody's"
    kept.mkdir()
    script = (
        "import os, pathlib, sys\n"
        "from kapsa.adapters.git_cache import CacheDirectory\n"
        "path = CacheDirectory(sys.argv[1]).path\n"
        "(path / '1.git').mkdir()\n"
        "print(path, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    assert (left / "1.git").is_dir()
    living = CacheDirectory(str(tmp_path))
    assert not left.exists()

    second = CacheDirectory(str(tmp_path))

    assert living.path.is_dir()
    assert second.path != living.path
    assert living.path.stat().st_mode & 0o077 == 0
    living.close()
    second.close()
    assert list(tmp_path.iterdir()) == [kept]


def test_without_a_setting_it_is_among_the_temporary_files_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = CacheDirectory("")
    base = tmp_path / f"kapsa-git-{os.getuid()}"
    assert directory.path.parent == base
    directory.close()
    base.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    base.symlink_to(elsewhere)

    with pytest.raises(PermissionError, match="somebody else"):
        CacheDirectory("")


async def test_a_cache_that_cannot_be_written_is_said_and_tried_again(
    make: MakeRepositories, origin: Origin, url: str, tmp_path: Path
) -> None:
    commit, directory = origin.commit(), tmp_path / "not a directory"
    directory.touch()
    repositories = make(directory=str(directory))

    with pytest.raises(Stalled, match="KAPSA_GIT_CACHE_DIRECTORY") as stalled:
        await repositories.read_source(url, commit, with_files=False)
    assert stalled.value.reason == Reason.BUILD_NOT_POSSIBLE
    directory.unlink()

    assert (await repositories.read_source(url, commit, with_files=False)).tree


async def test_clones_of_repositories_stay_within_the_bound(
    make: MakeRepositories, server: GitServer, serve: Serve, tmp_path: Path
) -> None:
    address, limit = await serve(server.handle), 60_000
    repositories = make(cache_size=limit)
    for number in range(12):
        origin = Origin(server, f"shop{number}")
        # Names that don't compress.
        files = {os.urandom(100).hex(): "" for _ in range(60)}
        commit = origin.commit(files=files)
        source = await repositories.read_source(
            f"{address}/shop{number}.git", commit, with_files=True
        )
        assert len(source.files) == 60

    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert 10_000 < sum(path.stat().st_size for path in kept) <= limit


async def test_a_clone_of_many_fetches_is_made_anew(
    make: MakeRepositories,
    origin: Origin,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kapsa.adapters.git_repository._MOST_FETCHES", 3)
    repositories = make()

    for number in range(8):
        commit = origin.commit(files={"a": str(number)})
        source = await repositories.read_source(url, commit, with_files=False)
        assert source.tree == origin.tree(commit)
        assert len(list((tmp_path / "cache").rglob("*.pack"))) == number % 3 + 1
