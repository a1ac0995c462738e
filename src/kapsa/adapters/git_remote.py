"""How git may reach a server: which addresses, by which protocol, with which settings."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kapsa.adapters.addresses import AddressPolicy, is_literal, require_https
from kapsa.adapters.errors import Stalled
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

_URL = re.compile(
    r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/[A-Za-z0-9._~/+-]+"
)


@dataclass(frozen=True)
class Route:
    """The way to one server, for one command.

    Attributes:
        options: What follows `git`: settings that hold for that command alone.
        environment: The whole environment of git.
    """

    options: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class GitRemote:
    """Finds ways to other people's servers.

    Attributes:
        policy: Which addresses may be dialled.
        allow_http: Whether plain http is allowed.
        ca_file: File with the certificate authorities to trust; empty: the system's.
    """

    policy: AddressPolicy
    allow_http: bool = False
    ca_file: str = ""

    async def route(self, url: str, within: float) -> Route:
        """Return the way to the server of `url`, which goes to checked addresses only.

        Args:
            url: `https://host[:port]/path`, without a user.
            within: Seconds that the command may take.

        Raises:
            Stalled: RepositoryRefused.
            Waiting: RepositoryUnreachable.
        """
        parts = self.checked(url)
        host, port = parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)
        pinned = _pinned(host, port, await self.policy.resolve(host, port))
        settings = {
            "protocol.version": "2",
            "http.followRedirects": "false",
            "http.sslVerify": "true",
            "http.lowSpeedLimit": "100",
            "http.lowSpeedTime": str(max(1, int(within))),
            "core.askPass": "",
        }
        if pinned:
            settings["http.curloptResolve"] = pinned
        environment = {**bare_environment(), "GIT_ALLOW_PROTOCOL": parts.scheme}
        if self.ca_file:
            environment["GIT_SSL_CAINFO"] = self.ca_file
        return Route(as_options(settings), environment)

    def checked(self, url: str) -> SplitResult:
        """Return the parts of `url`, which may be a repository's.

        Raises:
            Stalled: RepositoryRefused.
        """
        require_https(url, allow_http=self.allow_http)
        # A host with a final dot would not match the address that is pinned for it.
        if not _URL.fullmatch(url):
            raise Stalled(
                Reason.REPOSITORY_REFUSED,
                f"{sanitise(url, 300)} can't be a repository: write https://host/path without a"
                " user, a query or special characters.",
            )
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise Stalled(
                Reason.REPOSITORY_REFUSED, f"{sanitise(url, 300)} has an impossible port."
            ) from None
        return parts


def bare_environment() -> dict[str, str]:
    """Return an environment in which git asks nobody and reads nothing but its command line.

    No .netrc, no repository around, no configuration of the system or a user, and no protocol.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_DIR": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "",
    }


def as_options(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of git that set these values for one command."""
    return tuple(part for key, value in settings.items() for part in ("-c", f"{key}={value}"))


def _pinned(host: str, port: int, addresses: tuple[str, ...]) -> str:
    """Return the value of `http.curloptResolve`; literal addresses need none."""
    if is_literal(host):
        return ""
    written = (f"[{address}]" if ":" in address else address for address in addresses)
    return f"{host}:{port}:{','.join(written)}"
