"""A bridge with an address of this machine, by which pods and the machine reach each other.

Made by system calls, so that it needs no `ip` command. Nothing is translated or forwarded: pods
reach each other and this machine, and no farther.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from lab.errors import ServerError

_POOL = IPv4Network("10.244.0.0/16")
_PREFIX = 24

# From linux/sockios.h, linux/if.h and linux/if_arp.h.
_ADD_BRIDGE, _DELETE_BRIDGE = 0x89A0, 0x89A1
_SET_FLAGS, _SET_ADDRESS, _SET_NETMASK = 0x8914, 0x8916, 0x891C
_SET_HARDWARE_ADDRESS = 0x8924
_UP = 0x1
_ETHERNET = 1


def free_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first of our subnets that overlaps with none that is taken; ServerError if none is."""
    # A default route overlaps with everything, and says nothing about who uses a subnet.
    used = [network for network in taken if network.prefixlen > 0]
    for subnet in _POOL.subnets(new_prefix=_PREFIX):
        if not any(subnet.overlaps(network) for network in used):
            return subnet
    raise ServerError(
        f"All of {_POOL} is in use on this machine, so there is no subnet for the pods. "
        "Stop other laboratories (`python -m lab down --name NAME`)."
    )


def routes(table: str) -> list[IPv4Network]:
    """The destinations in a routing table of the form of /proc/net/route."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return [IPv4Network((_number(row[1]), _number(row[7]).bit_count())) for row in rows if row]


def _number(text: str) -> int:
    return socket.ntohl(int(text, 16))


def routes_of_this_machine() -> list[IPv4Network]:
    """Where this machine knows a way to."""
    return routes(Path("/proc/net/route").read_text("ascii"))


def gateway(subnet: IPv4Network) -> str:
    """The bridge's own address: the first of the subnet."""
    return str(subnet[1])


def exists(bridge: str) -> bool:
    """Whether there is an interface of that name."""
    return Path("/sys/class/net", bridge).exists()


def create(bridge: str) -> None:
    """Makes a bridge, without an address. Raises OSError if the kernel refuses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        fcntl.ioctl(kernel, _ADD_BRIDGE, bridge.encode() + b"\0")


def give_address(bridge: str, subnet: IPv4Network) -> None:
    """Puts the bridge into its subnet, and switches it on.

    Its hardware address is set as well. Else it is the lowest one of its ports', and changes as
    pods come and go: what other pods then send to this machine is lost until they ask anew.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        fcntl.ioctl(kernel, _SET_HARDWARE_ADDRESS, _with_hardware_address(bridge, subnet))
        fcntl.ioctl(kernel, _SET_ADDRESS, _with_address(bridge, gateway(subnet)))
        fcntl.ioctl(kernel, _SET_NETMASK, _with_address(bridge, str(subnet.netmask)))
        fcntl.ioctl(kernel, _SET_FLAGS, _with_flags(bridge, _UP))


def delete(bridge: str) -> None:
    """Removes the bridge, if it is there."""
    if not exists(bridge):
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        fcntl.ioctl(kernel, _SET_FLAGS, _with_flags(bridge, 0))
        fcntl.ioctl(kernel, _DELETE_BRIDGE, bridge.encode() + b"\0")


def _with_address(bridge: str, address: str) -> bytes:
    family = struct.pack("=HH", socket.AF_INET, 0)
    return struct.pack("16s24s", bridge.encode(), family + socket.inet_aton(address))


def _with_hardware_address(bridge: str, subnet: IPv4Network) -> bytes:
    # Its second lowest bit says that it is administered locally.
    address = b"\x02\0" + subnet[1].packed
    return struct.pack("16sH6s16x", bridge.encode(), _ETHERNET, address)


def _with_flags(bridge: str, flags: int) -> bytes:
    return struct.pack("16sh22x", bridge.encode(), flags)
