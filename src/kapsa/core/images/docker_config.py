"""What container tools read to know who they are to a registry: a Docker `config.json`.

Source: https://docs.docker.com/reference/cli/docker/login/ and, for tokens,
https://pkg.go.dev/github.com/docker/cli/cli/config/types#AuthConfig
"""

import base64
import json
from typing import Final

from kapsa.utils.image_reference import DOCKER_HUB, registry_host

_DOCKER_HUB_KEY: Final = "https://index.docker.io/v1/"
"""The key under which every tool looks for Docker Hub."""


def docker_config(endpoint: str, username: str, password: str) -> str:
    """Return a `config.json` with a user and a password for one registry.

    The same values give the same text. It holds the password.

    Args:
        endpoint: Host of the registry, with a port where it isn't the default.
        username: User.
        password: Password or token.
    """
    packed = base64.b64encode(f"{username}:{password}".encode()).decode()
    return _config(endpoint, {"auth": packed, "password": password, "username": username})


def docker_config_with_token(endpoint: str, token: str) -> str:
    """Return a `config.json` with a bearer token of one registry, which is sent as it is.

    The same values give the same text. It holds the token.
    """
    return _config(endpoint, {"registrytoken": token})


def _config(endpoint: str, entry: dict[str, str]) -> str:
    host = registry_host(endpoint)
    key = _DOCKER_HUB_KEY if host == DOCKER_HUB else host
    return json.dumps({"auths": {key: entry}}, sort_keys=True, separators=(",", ":"))
