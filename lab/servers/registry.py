"""The OCI registry: plain HTTP with basic authentication, deletes allowed."""

from __future__ import annotations

import bcrypt
import yaml

from lab.httpclient import answers
from lab.paths import write_private
from lab.servers.base import Command, Server
from lab.site import Site

NAME = "registry"

# distribution's htpasswd authentication knows who somebody is, not what they may do: both users
# may push and pull. The second is there so that what is meant for pulling can use its own name.
PUSH_USER = "kapsa-push"
PULL_USER = "kapsa-pull"


def _command(site: Site) -> Command:
    home = site.home(NAME)
    entries = [_htpasswd(user, site.secret(user)) for user in (PUSH_USER, PULL_USER)]
    htpasswd = write_private(home / "htpasswd", "\n".join(entries) + "\n")
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": False}},
        "storage": {
            "filesystem": {"rootdirectory": str(home / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": site.host(NAME), "secret": site.secret("registry-http")},
        "auth": {"htpasswd": {"realm": "kapsa-lab", "path": str(htpasswd)}},
    }
    file = write_private(home / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    return Command((str(site.artifacts[NAME]), "serve", str(file)))


def _htpasswd(user: str, password: str) -> str:
    # The lowest cost: it is paid at every request, and the passwords are long and random.
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4))
    return f"{user}:{hashed.decode('ascii')}"


def _ready(site: Site) -> bool:
    return answers(f"http://{site.host(NAME)}/v2/", 401)


REGISTRY = Server(NAME, (NAME,), (NAME,), _command, _ready)
