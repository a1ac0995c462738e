"""The namespace of builds: what is made once for it, and how it is known."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.drift import stamp
from kapsa.core.manifests.build_namespace import build_namespace
from kapsa.core.manifests.build_network_policy import build_network_policy

_PORTS: Final = (22, 80, 443)
"""Where forges, registries, and mirrors of packages answer."""


def furnishings_of_builds(
    name: str, endpoints: Iterable[str], excepted: Iterable[str]
) -> tuple[dict[str, Any], ...]:
    """Return the namespace and what is in it, stamped, in the order in which it is made.

    Args:
        name: Its name.
        endpoints: The registries, as `host[:port]`.
        excepted: Networks that builds don't reach.
    """
    ports = {*_PORTS, *(port for item in endpoints if (port := _port(item)))}
    return (
        stamp(build_namespace(name)),
        stamp(build_network_policy(name, ports, excepted)),
    )


def is_for_builds(manifest: Mapping[str, Any]) -> bool:
    """Tell whether an object is the namespace of builds, or was made once for it."""
    own = manifest["metadata"].get("labels") or {}
    return labels.is_managed(manifest) and own.get(labels.BUILDS) == "true"


def _port(endpoint: str) -> int:
    """Return the port that an endpoint names; 0 where it names none."""
    port = endpoint.partition(":")[2]
    return int(port) if port.isdecimal() else 0
