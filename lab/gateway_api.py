"""Gateway API: its custom resources, and a Gateway of the laboratory's router."""

from __future__ import annotations

import json
from typing import Any

from lab.errors import LabError
from lab.platform import Platform
from lab.routing import GATEWAY, GATEWAY_NAMESPACE
from lab.servers.traefik_objects import CLASS

_RECIPE = "gateway-api-crds"
_CERTIFICATE = "gateway"


def install_gateway_api(platform: Platform) -> None:
    """Apply the CRDs of Gateway API's standard channel. Nothing leads requests along its routes.

    Raises:
        LabError: The laboratory's profile does not have them.
    """
    place = platform.artifact(_RECIPE)
    if place is None:
        raise LabError(f"The profile of this laboratory has no {_RECIPE}.")
    directory = str(place / "config" / "crd" / "standard")
    platform.kubectl("apply", "--server-side", "-f", directory)
    platform.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", directory)


def create_gateway(platform: Platform, base_domain: str, issuer: str) -> None:
    """Make the Gateway for the hosts below a base domain; return once it is programmed.

    It has a listener `http` and a listener `https`, whose wildcard certificate a ClusterIssuer
    signs, and takes routes of all namespaces. Hosts of `lab.routing.gateway_pool` are led there.

    Raises:
        LabError: The laboratory has no router, or the Gateway can't be made.
    """
    routing = platform.routing
    if routing is None:
        raise LabError("A Gateway needs the laboratory's router: start one with profile routing.")
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": GATEWAY_NAMESPACE}},
        _certificate(base_domain, issuer),
        _gateway(routing.http_port, routing.https_port),
    ]
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    platform.kubectl("apply", "--server-side", "-f", "-", input=manifests)
    for wanted in (f"certificate/{_CERTIFICATE}", f"gateway/{GATEWAY}"):
        state = "Ready" if wanted.startswith("certificate/") else "Programmed"
        how = (f"--for=condition={state}", "--timeout=60s", f"--namespace={GATEWAY_NAMESPACE}")
        platform.kubectl("wait", *how, wanted)


def _certificate(base_domain: str, issuer: str) -> dict[str, Any]:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": _CERTIFICATE, "namespace": GATEWAY_NAMESPACE},
        "spec": {
            "dnsNames": [f"*.{base_domain}", base_domain],
            "secretName": _CERTIFICATE,
            "issuerRef": {"kind": "ClusterIssuer", "name": issuer},
        },
    }


def _gateway(http_port: int, https_port: int) -> dict[str, Any]:
    # Traefik finds its entry points by these ports.
    everywhere = {"namespaces": {"from": "All"}}
    tls = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": _CERTIFICATE}]}
    http = {"name": "http", "protocol": "HTTP", "port": http_port, "allowedRoutes": everywhere}
    https = {"name": "https", "protocol": "HTTPS", "port": https_port, "allowedRoutes": everywhere}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE},
        "spec": {"gatewayClassName": CLASS, "listeners": [http, {**https, "tls": tls}]},
    }
