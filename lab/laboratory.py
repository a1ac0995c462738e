"""Brings a laboratory up and down: for a block of code, or detached until it is told to stop."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import leftovers
from lab.builder import build
from lab.errors import LabError
from lab.identity import identify
from lab.interrupts import sigterm_interrupts, uninterrupted
from lab.lock import exclusive
from lab.node import missing
from lab.node.outside import connect, disconnect, sweep
from lab.paths import private_directory, state_directory
from lab.platform import Platform, platform_of
from lab.recipes import NodeKind, book
from lab.servers import servers_for
from lab.site import Site, load
from lab.supervisor import Supervisor, remove_outside

Say = Callable[[str], None]


@contextmanager
def running(
    profile: str = "demo",
    *,
    node: NodeKind = "simulated",
    keep_logs_on_failure: bool = True,
    directory: Path | None = None,
) -> Iterator[Platform]:
    """A laboratory for the length of the block; builds what is missing first.

    Everything is in `directory`, which stays and must not hold a laboratory yet, or in a
    temporary one that is removed. Of that the logs are kept if the block fails (Ctrl-C is no
    failure), and standard error says where. All servers are gone afterwards, whatever ends the
    block, even if this process is killed. SIGTERM acts like Ctrl-C within the block, unless it is
    handled already. Raises BuildError or ServerError if the laboratory can't be brought up, and
    LabError where this machine can't have a real `node` (`lab.node.missing` says why).
    """
    _require(node)
    with sigterm_interrupts():
        artifacts = build(book().laboratory(profile, node))
        if directory is None:
            leftovers.sweep()
        place = directory or Path(tempfile.mkdtemp(prefix=leftovers.PREFIX))
        if load(place) is not None:
            raise LabError(f"There is a laboratory in {place} already.")
        site = Site(private_directory(place), profile, artifacts)
        if directory is None:
            site.owner = leftovers.this_process()
            site.save()
        supervisor = Supervisor(site, die_with_parent=True)
        failed = False
        try:
            if node == "real":
                connect(site, identify(os.getpid()), _whisper)
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


def up(profile: str, name: str, say: Say, *, node: NodeKind = "simulated") -> Platform:
    """Brings up the detached laboratory called `name`; starts only what doesn't run yet.

    If it can't be brought up, or we are interrupted, what was started is stopped again. Raises
    LabError for another kind of node than it has already.
    """
    _require(node)
    directory = _directory(name)
    with sigterm_interrupts(), _one_at_a_time(name, say):
        found = load(directory)
        if found is not None:
            _require_same(node, found, name)
        artifacts = build(book().laboratory(profile, node))
        site = found or Site(directory, profile, artifacts)
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
            if node == "real":
                connect(site, None, say)
            supervisor.start_all(servers)
        except BaseException:
            if not ran_before:
                supervisor.stop_all()
                disconnect(site)
            raise
        return platform_of(site, supervisor)


def down(name: str, say: Say) -> bool:
    """Stops the detached laboratory called `name` and removes its data; False if there is none."""
    directory = _directory(name)
    with _one_at_a_time(name, say):
        sweep(say)
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


def _whisper(message: str) -> None:
    print(f"lab: {message}", file=sys.stderr)


def _require_same(node: NodeKind, site: Site, name: str) -> None:
    if ("kubelet" in site.artifacts) != (node == "real"):
        raise LabError(
            f"The laboratory {name!r} has nodes of another kind: `python -m lab down` first, or "
            "give this one another --name."
        )


def _require(node: NodeKind) -> None:
    _require_linux()
    if node == "real" and (reason := missing()):
        raise LabError(f"{reason} Simulated nodes need nothing: `--node simulated`.")


def _require_linux() -> None:
    if sys.platform != "linux":
        raise LabError(
            "The laboratory needs Linux (in a virtual machine, or WSL 2): it looks after its "
            "processes through /proc."
        )
