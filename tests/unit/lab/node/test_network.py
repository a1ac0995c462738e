from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from lab.errors import ServerError
from lab.node.network import free_subnet, gateway, routes

TABLE = """\
Iface   Destination Gateway  Flags RefCnt Use Metric Mask     MTU Window IRTT
eth0    00000000    010200C0 0003  0      0   0      00000000 0   0      0
eth0    000200C0    00000000 0001  0      0   0      00FFFFFF 0   0      0
br0     0000F40A    00000000 0001  0      0   0      00FFFFFF 0   0      0
"""


def test_the_destinations_of_routes_are_read_from_the_kernels_table() -> None:
    assert [str(found) for found in routes(TABLE)] == ["0.0.0.0/0", "192.0.2.0/24", "10.244.0.0/24"]


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "10.244.0.0/24"),
        (["0.0.0.0/0"], "10.244.0.0/24"),
        (["10.244.0.0/24", "10.244.1.128/25"], "10.244.2.0/24"),
        (["192.0.2.0/24", "10.244.0.0/17"], "10.244.128.0/24"),
    ],
)
def test_pods_get_the_first_subnet_that_nobody_uses(taken: list[str], free: str) -> None:
    assert str(free_subnet(map(IPv4Network, taken))) == free


def test_a_machine_that_uses_all_subnets_is_told_what_to_do() -> None:
    with pytest.raises(ServerError, match=r"All of 10\.244\.0\.0/16 is in use .* lab down"):
        free_subnet([IPv4Network("10.0.0.0/8")])


def test_the_bridge_has_the_first_address_of_the_subnet() -> None:
    assert gateway(IPv4Network("10.244.7.0/24")) == "10.244.7.1"
