"""Where Gitea lives and as whom it runs: it refuses root, and others can't enter root's files."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

from lab.errors import ServerError
from lab.site import Site
from lab.spawn import User

_STATIC = ("templates", "public", "options")


def user() -> User | None:
    """Whom to run Gitea as: `nobody` when we are root, else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServerError(
            "Gitea must not run as root, and this machine has no user `nobody` to run it as. "
            "Start the laboratory as an ordinary user."
        ) from error
    return User(nobody.pw_uid, nobody.pw_gid)


def directory(site: Site) -> Path:
    """Gitea's own directory, open to nobody but its user; made at first use.

    It is part of the laboratory's directory, but for root, whose directories `nobody` can't
    enter: then it is a directory of its own among the temporary ones.
    """
    owner = user()
    if owner is None:
        return site.home("gitea")
    if "gitea" not in site.outside:
        made = Path(tempfile.mkdtemp(prefix="kapsa-lab-gitea-", dir=_open_temporary_directory()))
        os.chown(made, owner.uid, owner.gid)
        site.outside["gitea"] = str(made)
        site.save()
    return Path(site.outside["gitea"])


def remove(site: Site) -> None:
    """Removes the directory outside the laboratory's own, if there is one."""
    if outside := site.outside.pop("gitea", None):
        shutil.rmtree(outside, ignore_errors=True)


def program(site: Site) -> tuple[Path, Path]:
    """The program and the directory of its static files, both readable by Gitea's user."""
    built = site.artifacts["gitea"]
    if user() is None or _open_to_all(built):
        return built, built.parent
    static = directory(site) / "program"
    if not static.exists():
        static.mkdir(mode=0o755)
        # A link costs nothing; it fails where the cache is on another file system.
        for name in _STATIC:
            shutil.copytree(built.parent / name, static / name, copy_function=_link_or_copy)
        _link_or_copy(built, static / built.name)
    return static / built.name, static


def give(path: Path) -> Path:
    """Makes `path` belong to Gitea's user; returns it."""
    owner = user()
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)
    return path


def _link_or_copy(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _open_temporary_directory() -> Path:
    for place in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        if place.is_dir() and _open_to_all(place):
            return place
    raise ServerError(
        "Gitea runs as `nobody` when the laboratory is started by root, and needs a temporary "
        "directory that everybody may enter. Set TMPDIR to one, or start as an ordinary user."
    )


def _open_to_all(path: Path) -> bool:
    resolved = path.resolve()
    return all(parent.stat().st_mode & 0o001 for parent in (resolved, *resolved.parents))
