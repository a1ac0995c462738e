"""What the laboratory knows about one kind of server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.site import Site
from lab.spawn import User


@dataclass(frozen=True)
class Command:
    """How to start a server: its arguments, additions to a clean environment, its user."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    user: User | None = None


def nothing(_site: Site) -> None:
    """For servers that need no preparation or no configuration."""


@dataclass(frozen=True)
class Server:
    """One kind of server; all functions take the laboratory it belongs to.

    `recipes` are what it needs built, `after` the servers that must be ready before it starts,
    `ports` the names of the ports it listens on. `command` also writes the configuration files;
    it runs at each start. `ready` is polled for at most `ready_seconds`; `configure` runs once,
    when it is ready for the first time; `remove` takes away what it keeps outside the
    laboratory's directory. It gets `stop_seconds` between SIGTERM and SIGKILL.
    """

    name: str
    recipes: tuple[str, ...]
    ports: tuple[str, ...]
    command: Callable[[Site], Command]
    ready: Callable[[Site], bool]
    configure: Callable[[Site], None] = nothing
    remove: Callable[[Site], None] = nothing
    after: tuple[str, ...] = ()
    ready_seconds: float = 60
    stop_seconds: float = 5


def clean_environment(site: Site, server: str) -> dict[str, str]:
    """An environment without the user's proxies, credentials and kubeconfigs."""
    home = site.home(server)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_PROXY": "*",
        "OTEL_TRACES_EXPORTER": "none",
    }
