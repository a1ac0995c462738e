"""What builds can reach: names, and what is outside of the cluster. Nobody reaches them.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any, Final

from kapsa.core import labels

_DNS: Final = 53
_EVERYWHERE: Final = {4: "0.0.0.0/0", 6: "::/0"}


def build_network_policy(
    namespace: str, ports: Iterable[int], excepted: Iterable[str]
) -> dict[str, Any]:
    """Return the NetworkPolicy of the namespace of builds.

    Args:
        namespace: Its name.
        ports: The TCP ports at which builds reach forges, registries, and mirrors of packages.
        excepted: Networks that they don't reach, which are the cluster's own.
    """
    networks = [ip_network(item) for item in excepted]
    reached: list[dict[str, Any]] = []
    for version, everywhere in _EVERYWHERE.items():
        inside = [str(item) for item in networks if item.version == version]
        reached.append({"ipBlock": {"cidr": everywhere} | ({"except": inside} if inside else {})})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "kapsa",
            "namespace": namespace,
            "labels": {**labels.MANAGED, labels.BUILDS: "true"},
        },
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [
                {"ports": [{"protocol": name, "port": _DNS} for name in ("UDP", "TCP")]},
                {
                    "to": reached,
                    "ports": [{"protocol": "TCP", "port": port} for port in sorted(set(ports))],
                },
            ],
        },
    }
