"""Runs one container of a build as a node would: with its own root, processes and mounts.

It is started by `lab.build_node` below `unshare`, as root, with the path of a description:
`python -m lab.build_container container.json`. The container's root has this machine's programs,
and BuildKit's, in the places where the image with rootless BuildKit has them; all else that a
container finds is as its description says. Whatever is mounted or started in here is gone with
this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from lab.build_home import ACCOUNTS, OWN_DIRECTORIES, USER, VARIABLES
from lab.spawn import spawn

_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_SETTINGS = (
    "/etc/alternatives",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/ssl",
    "/etc/ld.so.cache",
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_WRITABLE = (*(name.lstrip("/") for name in OWN_DIRECTORIES), "run/user", "tmp")
_ENVIRONMENT = {**VARIABLES, "PATH": f"/buildkit:{VARIABLES['PATH']}"}


@dataclass(frozen=True)
class Container:
    """What runs.

    `root` is an empty directory, `programs` are BuildKit's by name, `mounts` are directories by
    where the container has them, `termination_log` is the file of its termination message.
    """

    root: str
    programs: dict[str, str]
    mounts: dict[str, str]
    read_only: list[str]
    termination_log: str
    argv: list[str]
    env: dict[str, str]

    def save(self, path: Path) -> Path:
        """Writes the description."""
        path.write_text(json.dumps(asdict(self)), "utf-8")
        return path


def start(description: Path, log: Path) -> subprocess.Popen[bytes]:
    """Starts a container; what is in it is gone when the process is, or when we are."""
    unshare = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private")
    return spawn(
        [*unshare, sys.executable, "-m", "lab.build_container", str(description)],
        log=log,
        cwd=Path(__file__).parent.parent,
    )


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _bind(source: str | Path, target: Path, *, read_only: bool = False) -> None:
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount("--rbind", str(source), str(target))
    if read_only:
        _mount("-o", "remount,bind,ro", str(target))


def _furnish(container: Container, root: Path) -> None:
    """Makes the root directory."""
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root))
    for path in map(Path, _PROGRAMS):
        inside = root / path.relative_to("/")
        if path.is_symlink():
            inside.symlink_to(path.readlink())
        elif path.is_dir():
            _bind(path, inside)
    for path in map(Path, _SETTINGS):
        if path.exists():
            _bind(path.resolve(), root / path.relative_to("/"))
    for name, text in ACCOUNTS.items():
        inside = root / name.lstrip("/")
        inside.parent.mkdir(exist_ok=True)
        inside.write_text(text, "utf-8")
    for device in _DEVICES:
        _bind(f"/dev/{device}", root / "dev" / device)
    for name, program in container.programs.items():
        _bind(program, root / "buildkit" / name)
    for name in _WRITABLE:
        (root / name).mkdir(parents=True, exist_ok=True)
        os.chown(root / name, USER, USER)
    (root / "tmp").chmod(0o1777)
    _bind(container.termination_log, root / "dev/termination-log")
    for place, directory in container.mounts.items():
        inside = root / place.lstrip("/")
        _bind(directory, inside, read_only=place in container.read_only)
    for name, kind in (("proc", "proc"), ("dev/shm", "tmpfs"), ("dev/pts", "devpts")):
        (root / name).mkdir()
        _mount("-t", kind, kind, str(root / name))
    _bind("/sys", root / "sys")


def _enter(root: Path) -> None:
    """Makes it the root: in a changed root (`chroot`) nobody may make a user namespace."""
    former = root / "former"
    former.mkdir()
    subprocess.run(["pivot_root", str(root), str(former)], check=True)
    os.chdir("/")
    subprocess.run(["umount", "--lazy", "/former"], check=True)


def _become(container: Container) -> NoReturn:
    """Turns this process into the container's."""
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.umask(0o022)
    environment = {**_ENVIRONMENT, **container.env}
    os.execvpe(container.argv[0], container.argv, environment)  # noqa: S606


def main(description: str) -> int:
    """Runs the container's command to its end; its exit code.

    This process stays, as the first of its process namespace. Whoever changes their user isn't
    killed any more when their parent dies; this one is, and with it all that it has started.
    """
    container = Container(**json.loads(Path(description).read_text("utf-8")))
    root = Path(container.root)
    _furnish(container, root)
    _enter(root)
    child = os.fork()
    if child == 0:
        _become(container)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
