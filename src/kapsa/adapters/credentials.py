"""Who Kapsa is to a git server, a forge or a registry: read from Kubernetes Secrets.

Nothing here, and no exception from here, shows a password.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from kapsa.adapters.errors import Stalled
from kapsa.core.registry import TOKEN_USER
from kapsa.models.reasons import Reason

_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_LONGEST = 4000  # with git's words around them they must fit into one page of a pipe
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, repr=False)
class Credentials:
    """A user and a password; a token is a password.

    Attributes:
        username: User; sent as it is.
        password: Password or token.
    """

    username: str
    password: str

    def __repr__(self) -> str:
        """Show neither of the two: either can be the secret."""
        return "Credentials(hidden)"

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with the content.

        To compare in memory. A weak password can be guessed from any digest of it, so it does not
        belong where people read.
        """
        return hashlib.sha256(f"{self.username}\0{self.password}".encode()).hexdigest()[:16]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be redacted: the password, and the forms in which headers carry it."""
        encoded = (self.basic, base64.b64encode(self.password.encode()).decode())
        # With these passwords GitHub and Gitea take the user name for the token.
        is_user_secret = self.password in {"", "x-oauth-basic"}
        return tuple(filter(None, (self.password, *encoded, self.username * is_user_secret)))

    @property
    def basic(self) -> str:
        """What follows `Basic ` in an Authorization header (RFC 7617)."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @classmethod
    def from_secret(
        cls, secret: dict[str, Any], where: str, token_user: str = TOKEN_USER
    ) -> "Credentials":
        """Return what a Secret with the keys `username` and `password`, or `token`, holds.

        Args:
            secret: The Secret as the API server gives it.
            where: How messages call it, such as `shop/git-credentials`.
            token_user: User of a bare token.

        Raises:
            Stalled: SecretInvalid; it lacks the keys, or their values can't be sent.
        """
        data = secret.get("data") or {}
        if "password" in data and "username" in data:
            return _checked(_value(data, "username", where), _value(data, "password", where), where)
        if "token" in data:
            return _checked(token_user, _value(data, "token", where), where)
        raise _invalid(where, "it needs the keys username and password, or the key token")

    @classmethod
    def from_docker_config(
        cls, secret: dict[str, Any], endpoint: str, where: str = ""
    ) -> "Credentials":
        """Return what a Secret of type `kubernetes.io/dockerconfigjson` holds for one registry.

        Args:
            secret: The Secret as the API server gives it.
            endpoint: Host of the registry, with a port where it isn't the default.
            where: How messages call it; left out: its namespace and name.

        Raises:
            Stalled: SecretInvalid; it is malformed or has no entry for `endpoint`.
        """
        where = where or _name(secret)
        text = _value(secret.get("data") or {}, ".dockerconfigjson", where)
        try:
            auths = json.loads(text)["auths"]
            entries = {_registry_host(str(key)): entry for key, entry in auths.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _invalid(where, 'its key .dockerconfigjson must be {"auths": {…}}') from None
        entry = entries.get(_registry_host(endpoint))
        if not isinstance(entry, dict):
            raise _invalid(where, f"it has no entry in auths for {endpoint}")
        return _from_docker_entry(entry, endpoint, where)

    @classmethod
    def for_registry(
        cls,
        secret: dict[str, Any],
        endpoint: str,
        where: str = "",
        token_user: str = TOKEN_USER,
    ) -> "Credentials":
        """Return what a Secret of either type that a Registry may name holds for `endpoint`.

        Args:
            secret: The Secret as the API server gives it.
            endpoint: Host of the registry, with a port where it isn't the default.
            where: How messages call it; left out: its namespace and name.
            token_user: User of a bare token.

        Raises:
            Stalled: SecretInvalid.
        """
        if ".dockerconfigjson" in (secret.get("data") or {}):
            return cls.from_docker_config(secret, endpoint, where)
        return cls.from_secret(secret, where or _name(secret), token_user)


def _from_docker_entry(entry: dict[str, Any], endpoint: str, where: str) -> Credentials:
    packed = entry.get("auth")
    if isinstance(packed, str) and packed:
        username, colon, password = _decoded(packed, f"auths of {endpoint}", where).partition(":")
        if colon:
            return _checked(username, password, where)
        raise _invalid(where, f"auth of {endpoint} must be base64 of user:password")
    plain = entry.get("username"), entry.get("password")
    if isinstance(plain[0], str) and isinstance(plain[1], str):
        return _checked(plain[0], plain[1], where)
    raise _invalid(where, f"auths of {endpoint} needs auth, or username and password")


def _registry_host(key: str) -> str:
    """Return the host of a key of `auths`, one name for Docker Hub's several."""
    host, _, path = re.sub(r"^https?://", "", key.strip().lower()).partition("/")
    if path.strip("/") not in {"", "v1", "v2"}:
        return f"{host}/{path}"
    return "docker.io" if host in _DOCKER_HUB else host


def _value(data: dict[str, Any], key: str, where: str) -> str:
    encoded = data.get(key)
    if not isinstance(encoded, str):
        raise _invalid(where, f"it needs the key {key}")
    return _decoded(encoded, key, where).rstrip("\r\n")


def _decoded(encoded: str, key: str, where: str) -> str:
    try:
        return base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        # `from None`: a UnicodeDecodeError carries the bytes.
        raise _invalid(where, f"the value of {key} is not base64 of UTF-8 text") from None


def _checked(username: str, password: str, where: str) -> Credentials:
    if not password:
        raise _invalid(where, "the password or token is empty")
    if ":" in username or _CONTROL.search(username + password):
        raise _invalid(
            where, "a user name can't hold a colon, nor it or the password control characters"
        )
    if len((username + password).encode()) > _LONGEST:
        raise _invalid(where, f"user and password are longer than {_LONGEST} bytes")
    return Credentials(username, password)


def _name(secret: dict[str, Any]) -> str:
    metadata = secret.get("metadata") or {}
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".strip("/")


def _invalid(where: str, what: str) -> Stalled:
    return Stalled(Reason.SECRET_INVALID, f"The Secret {where} can't be used: {what}.")
