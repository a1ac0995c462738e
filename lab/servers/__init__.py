"""All the servers the laboratory can start, and which of them a profile wants."""

from __future__ import annotations

from collections.abc import Iterable

from lab.errors import LabError
from lab.servers.apiserver import API_SERVER
from lab.servers.base import Server
from lab.servers.cert_manager import CERT_MANAGER
from lab.servers.controller_manager import CONTROLLER_MANAGER
from lab.servers.etcd import ETCD
from lab.servers.gitea import GITEA
from lab.servers.kwok import KWOK
from lab.servers.node import NODE
from lab.servers.registry import REGISTRY
from lab.servers.scheduler import SCHEDULER
from lab.servers.traefik import TRAEFIK

# In starting order.
SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        ETCD,
        GITEA,
        REGISTRY,
        API_SERVER,
        CONTROLLER_MANAGER,
        SCHEDULER,
        KWOK,
        NODE,
        CERT_MANAGER,
        TRAEFIK,
    )
}


def servers_for(recipes: Iterable[str]) -> tuple[Server, ...]:
    """The servers all of whose recipes are among `recipes`, in starting order."""
    available = set(recipes)
    return tuple(server for server in SERVERS.values() if available.issuperset(server.recipes))


def server(name: str) -> Server:
    """The server of that name; LabError if there is none."""
    if name not in SERVERS:
        raise LabError(f"There is no server {name!r}. Servers: {', '.join(SERVERS)}.")
    return SERVERS[name]


def waves(servers: Iterable[Server]) -> list[list[Server]]:
    """Groups servers so that each comes in a later wave than those it must follow."""
    rest, done, found = list(servers), set[str](), list[list[Server]]()
    while rest:
        names = {s.name for s in rest}
        wave = [s for s in rest if not names.intersection(s.after)]
        if not wave:
            raise LabError(f"These servers wait for each other: {', '.join(sorted(names))}.")
        found.append(wave)
        done.update(s.name for s in wave)
        rest = [s for s in rest if s.name not in done]
    return found
