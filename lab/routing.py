"""How requests reach the applications of a laboratory whose profile has a router."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lab.servers.traefik_objects import CLASS

GATEWAY = "public"
GATEWAY_NAMESPACE = "gateways"

_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Routing:
    """Where the router listens on the loopback address.

    That is on ports 80 and 443 where the laboratory may, and they are free; else on others.
    """

    http_port: int
    https_port: int

    def address(self, url: str) -> str:
        """The URL at which one that Kapsa tells opens: with the port, where it needs one."""
        parts = urlsplit(url)
        port = self.https_port if parts.scheme == "https" else self.http_port
        if port == _USUAL[parts.scheme]:
            return url
        return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))

    @property
    def advice(self) -> str:
        """What to add to the URLs that Kapsa tells; empty where they open as they are."""
        if (self.http_port, self.https_port) == (_USUAL["http"], _USUAL["https"]):
            return ""
        return f"add :{self.https_port} to https:// URLs, :{self.http_port} to http:// URLs"


def ingress_pool(name: str, base_domain: str, issuer: str) -> dict[str, Any]:
    """A DomainPool whose hosts get an Ingress, and a wildcard certificate of a ClusterIssuer."""
    routing = {"kind": "Ingress", "ingressClassName": CLASS}
    return _pool(name, base_domain, routing, {"issuerRef": {"name": issuer}})


def gateway_pool(name: str, base_domain: str) -> dict[str, Any]:
    """A DomainPool whose hosts get a route at the Gateway, which has the certificate already.

    `lab.gateway_api.create_gateway` makes both.
    """
    gateway = {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE}
    routing = {"kind": "Gateway", "gatewayRef": gateway}
    return _pool(name, base_domain, routing, {"delivery": "router"})


def _pool(
    name: str, base_domain: str, routing: dict[str, Any], cert_manager: dict[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": name},
        "spec": {
            "baseDomains": [base_domain],
            "routing": routing,
            "certManager": {"mode": "wildcard", **cert_manager},
        },
    }
