"""Brings a laboratory up and down: for a block of code, or detached until it is told to stop."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.builder import build
from lab.errors import LabError
from lab.interrupts import sigterm_interrupts, uninterrupted
from lab.lock import exclusive
from lab.paths import private_directory, state_directory
from lab.platform import Platform, platform_of
from lab.recipes import book
from lab.servers import servers_for
from lab.site import Site, load
from lab.supervisor import Supervisor, remove_outside

Say = Callable[[str], None]


@contextmanager
def running(
    profile: str = "demo",
    *,
    keep_logs_on_failure: bool = True,
    directory: Path | None = None,
) -> Iterator[Platform]:
    """A laboratory for the length of the block; builds what is missing first.

    Everything is in `directory`, which stays and must not hold a laboratory yet, or in a
    temporary one that is removed. Of that the logs are kept if the block fails (Ctrl-C is no
    failure), and standard error says where. All servers are gone afterwards, whatever ends the
    block, even if this process is killed. SIGTERM acts like Ctrl-C within the block, unless it is
    handled already. Raises BuildError or ServerError if the laboratory can't be brought up.
    """
    _require_linux()
    with sigterm_interrupts():
        artifacts = build(book().profile(profile))
        place = directory or Path(tempfile.mkdtemp(prefix="kapsa-lab-"))
        if load(place) is not None:
            raise LabError(f"There is a laboratory in {place} already.")
        site = Site(private_directory(place), profile, artifacts)
        supervisor = Supervisor(site, die_with_parent=True)
        failed = False
        try:
            supervisor.start_all(servers_for(artifacts))
            yield platform_of(site, supervisor)
        except Exception:
            failed = True
            raise
        finally:
            with uninterrupted():
                try:
                    supervisor.stop_all()
                finally:
                    _clean(site, keep_logs=keep_logs_on_failure and failed, ours=directory is None)


def _clean(site: Site, *, keep_logs: bool, ours: bool) -> None:
    remove_outside(site)
    if not ours:
        (site.directory / "lab.json").unlink(missing_ok=True)
        return
    for path in site.directory.iterdir():
        if keep_logs and path.name == "logs":
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if keep_logs:
        print(f"lab: the servers' logs are in {site.directory / 'logs'}", file=sys.stderr)
    else:
        site.directory.rmdir()


def up(profile: str, name: str, say: Say) -> Platform:
    """Brings up the detached laboratory called `name`; starts only what doesn't run yet.

    If it can't be brought up, or we are interrupted, what was started is stopped again.
    """
    _require_linux()
    directory = _directory(name)
    with sigterm_interrupts(), _one_at_a_time(name, say):
        artifacts = build(book().profile(profile))
        site = load(directory) or Site(directory, profile, artifacts)
        if not set(artifacts) <= set(site.artifacts):
            site.artifacts, site.profile = {**site.artifacts, **artifacts}, profile
        supervisor = Supervisor(site, die_with_parent=False)
        servers = servers_for(site.artifacts)
        if all(supervisor.runs(server.name) for server in servers):
            say(f"the laboratory {name!r} runs already")
            return platform_of(site, supervisor)
        ran_before = any(supervisor.runs(server.name) for server in servers)
        say(f"starting {', '.join(s.name for s in servers if not supervisor.runs(s.name))}")
        try:
            supervisor.start_all(servers)
        except BaseException:
            if not ran_before:
                supervisor.stop_all()
            raise
        return platform_of(site, supervisor)


def down(name: str, say: Say) -> bool:
    """Stops the detached laboratory called `name` and removes its data; False if there is none."""
    directory = _directory(name)
    with _one_at_a_time(name, say):
        site = load(directory)
        if site is None:
            return False
        Supervisor(site, die_with_parent=False).stop_all()
        remove_outside(site)
        with uninterrupted():
            shutil.rmtree(directory)
    return True


def attached(name: str = "default") -> Platform:
    """The detached laboratory called `name`, all of whose servers run; LabError if it doesn't."""
    site = load(_directory(name))
    if site is None:
        raise LabError(f"There is no laboratory {name!r}. `python -m lab up` starts one.")
    supervisor = Supervisor(site, die_with_parent=False)
    stopped = [s.name for s in servers_for(site.artifacts) if not supervisor.runs(s.name)]
    if stopped:
        raise LabError(
            f"In the laboratory {name!r} these servers don't run: {', '.join(stopped)}. "
            "`python -m lab up` starts them."
        )
    return platform_of(site, supervisor)


def states(name: str = "default") -> list[tuple[str, str, str, str]]:
    """Each server of a detached laboratory: name, `running` or `stopped`, pid, log file."""
    site = load(_directory(name))
    if site is None:
        return []
    supervisor = Supervisor(site, die_with_parent=False)
    rows: list[tuple[str, str, str, str]] = []
    for server in servers_for(site.artifacts):
        runs = supervisor.runs(server.name)
        pid = str(site.processes[server.name].pid) if runs else ""
        state = "running" if runs else "stopped"
        rows.append((server.name, state, pid, str(site.log(server.name))))
    return rows


def _directory(name: str) -> Path:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
        raise LabError(f"{name!r} is no name for a laboratory: use a-z, 0-9 and -, at most 40.")
    return state_directory(name)


@contextmanager
def _one_at_a_time(name: str, say: Say) -> Iterator[None]:
    directory = _directory(name)
    private_directory(directory.parent)
    with exclusive(directory.parent / f".{name}.lock", "up or down", say):
        yield


def _require_linux() -> None:
    if sys.platform != "linux":
        raise LabError(
            "The laboratory needs Linux (in a virtual machine, or WSL 2): it looks after its "
            "processes through /proc. With Docker, use a kind cluster instead."
        )
