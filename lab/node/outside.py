"""What a node has outside its laboratory's directory: a bridge and a control group.

A record of it is kept beside the built servers for as long as it exists, so that it can be cleared
away after a laboratory that was killed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from lab.identity import Identity, is_alive
from lab.leftovers import remove_directories
from lab.lock import exclusive
from lab.node import cgroups, network
from lab.paths import cache_directory, write_private
from lab.site import Site

Say = Callable[[str], None]


@dataclass(frozen=True)
class Record:
    """What one laboratory has.

    `name` is the bridge's and the control group's. With an `owner` the laboratory is dead when that
    process is, and its directories are to go too; else when its directory is gone.
    """

    name: str
    directory: str
    subnet: str
    owner: Identity | None
    controllers: tuple[str, ...] = ()

    @property
    def is_dead(self) -> bool:
        """Whether nobody will clear it away but us."""
        if self.owner is not None:
            return not is_alive(self.owner)
        return not (Path(self.directory) / "lab.json").exists()

    @property
    def address(self) -> str:
        """The bridge's address."""
        return network.gateway(IPv4Network(self.subnet))


def connect(site: Site, owner: Identity | None, say: Say) -> None:
    """Makes what the node of a laboratory needs, if it isn't there; what dead ones left is gone.

    From then on `site.address` is the bridge's.
    """
    with exclusive(_records() / "lock", "start of a node", say):
        _sweep()
        site.save()
        record = find(site) or Record(
            name_of(site.directory),
            str(site.directory),
            str(network.free_subnet(network.routes_of_this_machine())),
            owner,
        )
        _write(record)
        if not network.exists(record.name):
            network.create(record.name)
        network.give_address(record.name, IPv4Network(record.subnet))
        switched_on = cgroups.create(record.name, cgroups.hierarchies_of_this_machine())
        controllers = tuple(sorted({*record.controllers, *switched_on}))
        _write(Record(**{**vars(record), "controllers": controllers}))
        site.address = record.address
        site.save()


def disconnect(site: Site) -> None:
    """Removes what the node of a laboratory had; nothing if it had no node."""
    record = find(site)
    if record is not None:
        _remove(record)


def power_on(record: Record) -> None:
    """Empties the control group: kubelet would look long for containers that ran in it before."""
    roots = cgroups.hierarchies_of_this_machine()
    cgroups.remove(record.name, roots)
    cgroups.create(record.name, roots)


def find(site: Site) -> Record | None:
    """What the node of a laboratory has; None if it has none."""
    return _read(_records() / f"{name_of(site.directory)}.json")


def sweep(say: Say) -> None:
    """Clears away what the nodes of dead laboratories left."""
    if any(_records().glob("*.json")):
        with exclusive(_records() / "lock", "start of a node", say):
            _sweep()


def name_of(directory: Path) -> str:
    """The name of the bridge of the laboratory in `directory`: at most 15 characters."""
    return f"kapsa-{hashlib.sha256(str(directory).encode()).hexdigest()[:8]}"


def _sweep() -> None:
    for path in _records().glob("*.json"):
        record = _read(path)
        if record is not None and record.is_dead:
            _remove(record)


def _remove(record: Record) -> None:
    roots = cgroups.hierarchies_of_this_machine()
    cgroups.remove(record.name, roots, record.controllers)
    network.delete(record.name)
    if record.is_dead and record.owner is not None:
        # Only now nobody writes there any more.
        remove_directories(Path(record.directory))
    (_records() / f"{record.name}.json").unlink(missing_ok=True)


def _records() -> Path:
    return cache_directory() / "nodes"


def _write(record: Record) -> None:
    fresh = write_private(_records() / f"{record.name}.new", json.dumps(asdict(record)))
    fresh.replace(_records() / f"{record.name}.json")


def _read(path: Path) -> Record | None:
    try:
        facts = json.loads(path.read_text("utf-8"))
        owner = facts["owner"]
        facts["owner"] = None if owner is None else Identity(**owner)
        facts["controllers"] = tuple(facts["controllers"])
        return Record(**facts)
    except (OSError, ValueError, KeyError, TypeError):
        return None
