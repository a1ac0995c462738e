from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import ServerError
from lab.servers.base import Command, Server
from lab.site import Site
from lab.supervisor import Supervisor

LISTEN = """
import socket, sys, time
listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
while True:
    time.sleep(1)
"""
FIRST_PORT_IS_TAKEN = """
import pathlib, sys
if not pathlib.Path("tried").exists():
    pathlib.Path("tried").touch()
    sys.exit("listen tcp 127.0.0.1: bind: address already in use")
"""


def server(name: str, script: str, *after: str, log: list[str] | None = None) -> Server:
    def command(site: Site) -> Command:
        if log is not None:
            log.append(name)
        return Command((sys.executable, "-S", "-c", script, str(site.port(name))))

    return Server(name, (), (name,), command, lambda _site: True, after=after)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Server]:
    known: dict[str, Server] = {}
    monkeypatch.setattr("lab.supervisor.SERVERS", known)
    monkeypatch.setattr("lab.supervisor.server", known.__getitem__)
    return known


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "demo", {})


@pytest.fixture
def supervisor(site: Site, servers: dict[str, Server]) -> Iterator[Supervisor]:
    made = Supervisor(site, die_with_parent=True)
    yield made
    made.stop_all()


def test_servers_start_after_those_they_follow_and_keep_their_ports_when_restarted(
    supervisor: Supervisor, servers: dict[str, Server], site: Site
) -> None:
    started: list[str] = []
    servers["store"] = server("store", LISTEN, log=started)
    servers["api"] = server("api", LISTEN, "store", log=started)
    supervisor.start_all([servers["api"], servers["store"]])
    assert started == ["store", "api"]
    port, identity = site.port("api"), site.processes["api"]
    supervisor.stop("api")
    assert not supervisor.runs("api")
    assert supervisor.runs("store")
    supervisor.start("api")
    assert site.port("api") == port
    assert site.processes["api"] != identity


def test_starting_again_leaves_running_servers_alone(
    supervisor: Supervisor, servers: dict[str, Server], site: Site
) -> None:
    servers["api"] = server("api", LISTEN)
    supervisor.start_all(servers.values())
    identity = site.processes["api"]
    supervisor.start_all(servers.values())
    assert site.processes["api"] == identity


def test_a_port_lost_in_a_race_is_replaced_by_another(
    supervisor: Supervisor, servers: dict[str, Server], site: Site
) -> None:
    servers["api"] = server("api", FIRST_PORT_IS_TAKEN + LISTEN)
    lost = site.port("api")
    supervisor.start_all(servers.values())
    assert supervisor.runs("api")
    assert site.port("api") != lost


def test_a_server_that_can_not_start_is_told_at_once(
    supervisor: Supervisor, servers: dict[str, Server]
) -> None:
    servers["api"] = server("api", "raise SystemExit('unknown flag: --nope')")
    with pytest.raises(ServerError, match="unknown flag: --nope"):
        supervisor.start_all(servers.values())
