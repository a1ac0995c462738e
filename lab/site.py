"""The state of one laboratory: its directory, ports, secrets and processes, kept in a file."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.identity import Identity
from lab.paths import private_directory, write_private
from lab.process import free_port

_FILE = "lab.json"

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Owner:
    """The process that a laboratory ends with, and the process namespace that it is in."""

    process: Identity
    namespace: str


@dataclass
class Site:
    """What the servers of one laboratory share. Everything mutable about it is in here.

    `artifacts` are the built programs and files by recipe name; `ports` and `secrets` are
    made up at first use, and then stay. At `address` listen the servers that pods talk to. A
    laboratory without an `owner` stays until it is taken down.
    """

    directory: Path
    profile: str
    artifacts: Mapping[str, Path]
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    processes: dict[str, Identity] = field(default_factory=dict)
    configured: list[str] = field(default_factory=list)
    outside: dict[str, str] = field(default_factory=dict)
    address: str = LOOPBACK
    owner: Owner | None = None

    def port(self, name: str) -> int:
        """The port called `name`, picked free at first use."""
        if name not in self.ports:
            self.ports[name] = free_port()
        return self.ports[name]

    def url(self, port: str, scheme: str = "http") -> str:
        """The URL of the server that listens on the port called `port`, on loopback."""
        return f"{scheme}://{LOOPBACK}:{self.port(port)}"

    def host(self, port: str) -> str:
        """The `address:port` of a server that pods talk to."""
        return f"{self.address}:{self.port(port)}"

    def secret(self, name: str) -> str:
        """The password or token called `name`, made up at first use."""
        if name not in self.secrets:
            self.secrets[name] = secrets.token_hex(20)
        return self.secrets[name]

    def home(self, server: str) -> Path:
        """The directory of one server; only our user gets in."""
        return private_directory(self.directory / server)

    def log(self, server: str) -> Path:
        """The log file of one server."""
        return private_directory(self.directory / "logs") / f"{server}.log"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    def save(self) -> None:
        """Writes the state file, all at once."""
        state = asdict(self)
        state["directory"] = str(self.directory)
        state["artifacts"] = {name: str(path) for name, path in self.artifacts.items()}
        private_directory(self.directory)
        fresh = write_private(self.directory / f"{_FILE}.new", json.dumps(state, indent=2))
        fresh.replace(self.directory / _FILE)


def load(directory: Path) -> Site | None:
    """The laboratory in `directory`; None if there is none. Raises LabError if unreadable."""
    try:
        state = json.loads((directory / _FILE).read_text("utf-8"))
        state["directory"] = Path(state["directory"])
        state["artifacts"] = {name: Path(path) for name, path in state["artifacts"].items()}
        state["processes"] = {n: Identity(**facts) for n, facts in state["processes"].items()}
        if (owner := state.get("owner")) is not None:
            state["owner"] = Owner(Identity(**owner["process"]), owner["namespace"])
        return Site(**state)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"{directory / _FILE} can't be read ({error}). Was it written by another version? "
            f"End its processes, remove {directory}, and start again."
        ) from error
