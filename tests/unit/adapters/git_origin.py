"""A repository with real commits, behind the git server of `git_server`."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.adapters.git_server import GitServer

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


@dataclass
class Origin:
    """A bare repository that `server` serves as `<name>.git`.

    Attributes:
        server: Its server; that one knows the filter `blob:none`, as all forges do.
        name: Its name.
        object_format: The hash that names its objects: `sha1` or `sha256`.
        files: What the next commit holds: content by path, as bytes.
    """

    server: GitServer
    name: str = "shop"
    object_format: str = "sha1"
    files: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make it."""
        self.git(
            *("init", "--bare", "--quiet", "--initial-branch=main"),
            f"--object-format={self.object_format}",
        )
        self.configure("uploadpack.allowFilter", "true")

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.server.root / f"{self.name}.git"

    def configure(self, key: str, value: str) -> None:
        """Set a value of its configuration."""
        self.git("config", key, value)

    def commit(
        self,
        message: str = "a change",
        files: Mapping[str, str] | None = None,
        *,
        branch: str = "main",
        modules: Mapping[str, str] | None = None,
    ) -> str:
        """Add `files`, and `modules` (commit by path), to a branch; return the commit."""
        self.files.update((os.fsencode(k), os.fsencode(v)) for k, v in (files or {}).items())
        lines = [b"deleteall"]
        for path, content in self.files.items():
            lines += [b"M 100644 inline " + _quoted(path), b"data %d" % len(content), content]
        for path_, commit in (modules or {}).items():
            lines.append(b"M 160000 %s " % commit.encode() + _quoted(path_.encode()))
        return self.import_commit(message, lines, branch)

    def import_commit(self, message: str, lines: list[bytes], branch: str = "main") -> str:
        """Put a commit with the changes of `lines`, as `git fast-import` has them, on a branch."""
        ref, text = f"refs/heads/{branch}", message.encode()
        head = [
            f"commit {ref}".encode(),
            b"committer Ada <ada@example.com> 1767323045 +0000",
            b"data %d" % len(text),
            text,
        ]
        if self.git("for-each-ref", ref):
            head.append(f"from {ref}^0".encode())
        self.git("fast-import", "--quiet", "--force", stdin=b"\n".join([*head, *lines, b""]))
        return self.git("rev-parse", ref)

    def tree(self, commit: str, path: str = "") -> str:
        """Return the object name of a directory's tree."""
        return self.git("rev-parse", f"{commit}:{path}")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in it."""
        done = subprocess.run(
            ["git", *arguments],
            env={**_ENVIRONMENT, "GIT_DIR": str(self.path)},
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()


def _quoted(path: bytes) -> bytes:
    escaped = b"".join(
        b"\\%03o" % byte if byte < 33 or byte > 126 or byte in b'"\\' else bytes([byte])
        for byte in path
    )
    return b'"' + escaped + b'"'
