"""Which network addresses Kapsa may dial on behalf of people who write URLs.

A Project's author chooses hosts, and the operator stands where that author does not: beside the
API server, the nodes and the cloud's metadata service. So each host is resolved here, every
address is checked, and only a checked address is dialled; a second look-up by the dialler could
answer differently (DNS rebinding).

Source of the ranges: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from kapsa.adapters.errors import Stalled, Waiting
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

PRIVATE_HOSTS_SETTING = "KAPSA_ALLOWED_PRIVATE_HOSTS"
"""The setting that messages point to."""
HTTP_SETTING = "KAPSA_ALLOW_HTTP_REPOSITORIES"
"""The setting that lets repositories be read over plain http."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""Takes a host and a port, returns its addresses; raises OSError if there are none."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ALLOWABLE = frozenset({"private", "internal", "loopback"})
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure's wire server, a public address
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google Cloud
    )
)


async def system_lookup(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses that the system's resolver knows for `host`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class AddressPolicy:
    """The rule for addresses.

    Public addresses pass. Private, shared and reserved ones pass if the host is listed, or if the
    list holds `*`. Loopback ones, and those in `extra_forbidden`, pass only if the host is listed
    by name. Link-local, multicast and unspecified addresses and the clouds' metadata services
    never pass.

    Attributes:
        allowed_private_hosts: Host names or literal addresses, without a port, or `*`.
        extra_forbidden: Networks (`10.0.0.1/32`, `2001:db8::/32`) refused although they are public
            or `*` is listed, such as that of the API server.
        lookup: Resolves names.
        lookup_timeout: Seconds after which a look-up is given up.
    """

    allowed_private_hosts: tuple[str, ...] = ()
    extra_forbidden: tuple[str, ...] = ()
    lookup: Lookup = system_lookup
    lookup_timeout: float = 10.0

    async def resolve(
        self,
        host: str,
        port: int,
        *,
        refused: str = Reason.REPOSITORY_REFUSED,
        unreachable: str = Reason.REPOSITORY_UNREACHABLE,
    ) -> tuple[str, ...]:
        """Return the addresses of `host`, all of which may be dialled.

        One address that may not condemns the host: a name that points to both is no accident.

        Raises:
            Stalled: An address is refused; with the reason `refused`.
            Waiting: The name can't be resolved now; with the reason `unreachable`.
        """
        name = _normalised(host)
        found = await self._look_up(name, port, unreachable)
        for address in found:
            category = self._objection(name, ipaddress.ip_address(address))
            if category:
                raise Stalled(refused, _refusal(name, address, category))
        return found

    async def _look_up(self, host: str, port: int, unreachable: str) -> tuple[str, ...]:
        if is_literal(host):
            return (host,)
        try:
            async with asyncio.timeout(self.lookup_timeout):
                found = await self.lookup(host, port)
        except TimeoutError:
            found, problem = (), f"no answer within {self.lookup_timeout:g} s"
        except (OSError, UnicodeError) as error:
            found, problem = (), sanitise(str(error), 200)
        else:
            problem = "it has no address"
        if not found:
            raise Waiting(
                unreachable, f"The host {sanitise(host, 253)} can't be resolved: {problem}."
            )
        return found

    def _objection(self, host: str, address: Address) -> str:
        """Return why `address` may not be dialled for `host`, or nothing."""
        named = host in {_normalised(entry) for entry in self.allowed_private_hosts}
        address = _unwrapped(address)
        if never := _never(address):
            return never
        if named:
            return ""
        if address.is_loopback:
            return "loopback"
        if any(address in ipaddress.ip_network(network) for network in self.extra_forbidden):
            return "internal"
        return "" if _is_public(address) or "*" in self.allowed_private_hosts else "private"


def is_literal(host: str) -> bool:
    """Whether `host` is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def require_https(url: str, *, allow_http: bool) -> None:
    """Raise Stalled(RepositoryRefused) unless `url` is https, or http where that is allowed."""
    scheme = urlsplit(url).scheme.lower()
    if scheme == "https" or (scheme == "http" and allow_http):
        return
    shown = sanitise(url, 300)
    if scheme == "http":
        message = (
            f"{shown} is plain http, which is not allowed: write https://, or ask an admin to set"
            f" {HTTP_SETTING}=true."
        )
    else:
        message = f"{shown} is not an https address: write https://host/path."
    raise Stalled(Reason.REPOSITORY_REFUSED, message)


class GuardedResolver(AbstractResolver):
    """Resolves for aiohttp what the policy lets pass; the address that is checked is dialled."""

    def __init__(self, policy: AddressPolicy, refused: str, unreachable: str) -> None:
        self._policy = policy
        self._refused = refused
        self._unreachable = unreachable

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the checked addresses of `host` in aiohttp's form.

        Raises:
            Stalled, Waiting: As `AddressPolicy.resolve`.
        """
        found = await self._policy.resolve(
            host, port, refused=self._refused, unreachable=self._unreachable
        )
        return [_result(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, port: int, address: str) -> ResolveResult:
    version = ipaddress.ip_address(address).version
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": socket.AF_INET6 if version == 6 else socket.AF_INET,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST,
    }


def _normalised(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _never(address: Address) -> str:
    if address in _METADATA:
        return "cloud metadata"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified or address in _THIS_NETWORK:
        return "unspecified"
    return ""


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global


def _refusal(host: str, address: str, category: str) -> str:
    remedy = (
        f"an admin can allow it by listing the host in {PRIVATE_HOSTS_SETTING}"
        if category in _ALLOWABLE
        else f"no setting allows that, {PRIVATE_HOSTS_SETTING} included"
    )
    where = host if host == address else f"{sanitise(host, 253)} ({address})"
    return f"The host {where} is on a {category} address, which Kapsa does not call; {remedy}."
