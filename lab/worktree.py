"""A git working tree that knows nothing of the user's own git configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

_AUTHOR = "Kapsa Lab"
_EMAIL = "lab@kapsa.invalid"


@dataclass(frozen=True)
class Worktree:
    """A working tree with one remote. Methods raise LabError with git's message if git fails."""

    directory: Path

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        message: str,
        branch: str = "main",
        *,
        start: str = "main",
    ) -> str:
        """Commits files (path to content; None removes it) on a branch; the commit's SHA.

        A new branch begins at `start`, or is the first one. The commit may be empty.
        """
        self._switch_to(branch, start)
        for name, content in files.items():
            path = self.directory / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str = "main", *, force: bool = False) -> None:
        """Pushes a branch to the remote."""
        mode = ("--force",) if force else ()
        self.git("push", "--quiet", *mode, "origin", f"refs/heads/{branch}")

    def delete_branch(self, branch: str) -> None:
        """Deletes a branch on the remote, and here if it isn't checked out."""
        self.git("push", "--quiet", "origin", f":refs/heads/{branch}")
        if self.git("symbolic-ref", "HEAD") != f"refs/heads/{branch}":
            self.git("branch", "--quiet", "-D", branch)

    def tag(self, name: str, sha: str, *, annotated: bool = False) -> None:
        """Tags a commit, and pushes the tag to the remote."""
        how = ("--annotate", f"--message={name}") if annotated else ()
        self.git("tag", *how, name, sha)
        self.git("push", "--quiet", "origin", f"refs/tags/{name}")

    def remote_refs(self) -> dict[str, str]:
        """What `git ls-remote` shows: ref name to SHA."""
        lines = self.git("ls-remote", "origin").splitlines()
        return {ref: sha for sha, _, ref in (line.partition("\t") for line in lines)}

    def git(self, *arguments: str) -> str:
        """Runs any git command in the working tree; its output without surrounding space."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            said = _without_credentials(f"git {' '.join(arguments)}: {done.stderr.strip()}")
            raise LabError(said)
        return done.stdout.strip()

    def _switch_to(self, branch: str, start: str) -> None:
        if self._exists(branch):
            self.git("checkout", "--quiet", branch)
        elif self._exists(start):
            self.git("checkout", "--quiet", "-b", branch, start)
        else:
            self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def _exists(self, branch: str) -> bool:
        return bool(self.git("for-each-ref", f"refs/heads/{branch}"))


@contextmanager
def worktree(remote: str) -> Iterator[Worktree]:
    """An empty working tree in a temporary directory, with `remote` as its origin."""
    if shutil.which("git") is None:
        raise LabError("There is no git on PATH. Install it (Debian: `apt install git`).")
    with tempfile.TemporaryDirectory(prefix="kapsa-lab-worktree-") as directory:
        tree = Worktree(Path(directory))
        tree.git("init", "--quiet", "--initial-branch=main")
        tree.git("remote", "add", "origin", remote)
        yield tree


def _environment() -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return {
        **inherited,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": _AUTHOR,
        "GIT_AUTHOR_EMAIL": _EMAIL,
        "GIT_COMMITTER_NAME": _AUTHOR,
        "GIT_COMMITTER_EMAIL": _EMAIL,
        "no_proxy": "127.0.0.1,localhost",
    }


def _without_credentials(text: str) -> str:
    return re.sub(r"://[^/@\s]+@", "://", text)
