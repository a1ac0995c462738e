"""What must not show of what a build is told: read from the Secrets that were made for it."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kapsa.core.builds.buildkit_files import DOCKER_CONFIG, GIT_CREDENTIALS

_KPACK_DOCKER_CONFIG: Final = ".dockerconfigjson"
_PLACEHOLDER: Final = "x-oauth-basic"
"""The password beside which GitHub and Gitea take the user name for the token."""


def hidden_in(secret: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the passwords and tokens in a Secret of a build, and what headers make of them.

    What is in it that no strategy puts there counts for nothing.

    Args:
        secret: The whole Secret, as the API server gives it.
    """
    return tuple(dict.fromkeys(value for value in _hidden_in(secret) if value))


def _hidden_in(secret: Mapping[str, Any]) -> Iterator[str]:
    data = secret.get("data") or {}
    for name in (DOCKER_CONFIG, _KPACK_DOCKER_CONFIG):
        for entry in _registries(_text(data, name)):
            yield from (str(entry.get(field) or "") for field in ("registrytoken", "auth"))
            yield from _login(str(entry.get("username") or ""), str(entry.get("password") or ""))
    lines = dict(line.partition("=")[::2] for line in _text(data, GIT_CREDENTIALS).splitlines())
    yield from _login(lines.get("username", ""), lines.get("password", ""))
    yield from _login(_text(data, "username"), _text(data, "password"))


def _login(username: str, password: str) -> Iterator[str]:
    if not password:
        return
    yield password
    yield b64encode(f"{username}:{password}".encode()).decode()
    if password == _PLACEHOLDER:
        yield username


def _registries(config: str) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of a Docker `config.json`."""
    try:
        auths = json.loads(config or "{}").get("auths", {})
    except (ValueError, AttributeError):
        return
    if isinstance(auths, dict):
        yield from (entry for entry in auths.values() if isinstance(entry, dict))


def _text(data: Mapping[str, Any], name: str) -> str:
    try:
        return b64decode(str(data.get(name) or "")).decode()
    except ValueError:
        return ""
