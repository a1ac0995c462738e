"""Starts the servers of one laboratory in waves, and stops them in the reverse order."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.errors import ServerError
from lab.identity import Identity, identify, is_alive
from lab.interrupts import uninterrupted
from lab.process import ServerDiedError, listens, reap, stop, wait_ready
from lab.servers import SERVERS, server, waves
from lab.servers.base import Server, clean_environment
from lab.site import Site
from lab.spawn import spawn

_PORT_TAKEN = "address already in use"
_PORT_TRIES = 3


class Supervisor:
    """Acts on the servers of one site. With `die_with_parent` they end when this process does."""

    def __init__(self, site: Site, *, die_with_parent: bool) -> None:
        self._site = site
        self._die_with_parent = die_with_parent
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self, servers: Iterable[Server]) -> None:
        """Starts the servers that don't run yet; returns when all are ready.

        Servers that don't wait for each other start together. Raises ServerError.
        """
        for wave in waves(servers):
            starting = [each for each in wave if not self.runs(each.name)]
            for each in starting:
                self._spawn(each)
            for each in starting:
                self._await(each)

    def runs(self, name: str) -> bool:
        """Whether the server runs."""
        identity = self._site.processes.get(name)
        return identity is not None and is_alive(identity)

    def start(self, name: str) -> None:
        """Starts one server, on the ports it had before; returns when it is ready."""
        if not self.runs(name):
            self._spawn(server(name))
            self._await(server(name))

    def stop(self, name: str) -> None:
        """Stops one server and keeps its data. Does nothing if it doesn't run."""
        seconds = server(name).stop_seconds
        identity = self._site.processes.get(name)
        if identity is not None:
            stop(name, identity, seconds)
        reap(self._children.pop(name, None))
        self._site.processes.pop(name, None)
        self._site.save()

    def stop_all(self) -> None:
        """Stops what runs, in the reverse of the starting order: controllers first, etcd last.

        Goes on when one can't be stopped, and raises the last such ServerError at the end.
        Ctrl-C waits until it is done.
        """
        problem: ServerError | None = None
        with uninterrupted():
            for name in reversed(SERVERS):
                try:
                    self.stop(name)
                except ServerError as error:
                    problem = error
        if problem is not None:
            raise problem

    def _spawn(self, wanted: Server) -> None:
        site = self._site
        command = wanted.command(site)
        env = {**clean_environment(site, wanted.name), **command.env}
        # Recorded before anything can interrupt us: what isn't recorded can't be stopped.
        with uninterrupted():
            child = spawn(
                command.argv,
                log=site.log(wanted.name),
                env=env,
                cwd=Path(env["HOME"]),
                user=command.user,
                die_with_parent=self._die_with_parent,
            )
            self._children[wanted.name] = child
            # One that is dead already is noticed by who waits for it.
            site.processes[wanted.name] = identify(child.pid) or Identity(child.pid, 0)
            site.save()

    def _await(self, wanted: Server) -> None:
        for attempt in range(1, _PORT_TRIES + 1):
            try:
                self._await_once(wanted)
            except ServerDiedError as error:
                settled = wanted.name in self._site.configured
                if settled or attempt == _PORT_TRIES or _PORT_TAKEN not in str(error):
                    raise
                self._new_ports(wanted)
            else:
                return

    def _await_once(self, wanted: Server) -> None:
        site = self._site
        identity = site.processes[wanted.name]

        def ready() -> bool:
            ours = all(listens(identity.pid, site.port(port)) for port in wanted.ports)
            return ours and wanted.ready(site)

        wait_ready(
            wanted.name,
            identity,
            ready,
            log=site.log(wanted.name),
            seconds=wanted.ready_seconds,
        )
        if wanted.name not in site.configured:
            wanted.configure(site)
            site.configured.append(wanted.name)
        site.save()

    def _new_ports(self, wanted: Server) -> None:
        # Between our picking a port and the server's taking it somebody else was faster.
        self.stop(wanted.name)
        for port in wanted.ports:
            self._site.ports.pop(port, None)
        self._site.log(wanted.name).write_bytes(b"")
        self._spawn(wanted)


def remove_outside(site: Site) -> None:
    """Removes what servers keep outside the laboratory's directory."""
    for each in SERVERS.values():
        each.remove(site)
