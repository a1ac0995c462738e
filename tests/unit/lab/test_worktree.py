from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.worktree import worktree


@pytest.fixture
def remote(tmp_path: Path) -> str:
    directory = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(directory)], check=True)
    return str(directory)


def test_branches_are_committed_pushed_and_deleted(
    remote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    monkeypatch.setenv("HOME", str(tmp_path))
    with worktree(remote) as tree:
        first = tree.commit({"README": "hello", "old": b"x"}, "one")
        tree.push()
        second = tree.commit({"deep/file": "x", "old": None}, "two", "feature/x")
        tree.push("feature/x")
        refs = tree.remote_refs()
        assert refs["refs/heads/main"] == first
        assert refs["refs/heads/feature/x"] == second
        assert tree.git("ls-tree", "-r", "--name-only", second).split() == ["README", "deep/file"]
        assert tree.git("log", "-1", "--format=%an %ae") == "Kapsa Lab lab@kapsa.invalid"
        tree.delete_branch("feature/x")
        assert "refs/heads/feature/x" not in tree.remote_refs()


def test_a_branch_begins_at_main_wherever_the_working_tree_is(remote: str) -> None:
    with worktree(remote) as tree:
        main = tree.commit({"a": "1"}, "one")
        tree.commit({"b": "1"}, "two", "feature/x")
        third = tree.commit({"c": "1"}, "three", "feature/y")
        assert tree.git("rev-parse", f"{third}^") == main


def test_git_errors_show_no_credentials(remote: str) -> None:
    with worktree(remote) as tree:
        tree.git("remote", "set-url", "origin", "http://user:secret@127.0.0.1:1/x.git")
        with pytest.raises(LabError) as caught:
            tree.git("ls-remote", "http://user:secret@127.0.0.1:1/x.git")
    assert "secret" not in str(caught.value)


def test_tags_are_pushed_plain_and_annotated(remote: str) -> None:
    with worktree(remote) as tree:
        commit = tree.commit({"a": "1"}, "one")
        tree.tag("v1", commit)
        tree.tag("v2", commit, annotated=True)
        refs = tree.remote_refs()
        assert (refs["refs/tags/v1"], refs["refs/tags/v2^{}"]) == (commit, commit)
        assert refs["refs/tags/v2"] != commit
