"""Issuers for cert-manager."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.objects import read_object
from lab.paths import write_private
from lab.platform import Platform
from lab.servers.cert_manager import NAMESPACE

CA_ISSUER = "lab-ca"
"""Name of the ClusterIssuer that `create_ca_issuer` makes if it is not told another."""


def create_self_signed_issuer(platform: Platform, name: str = "selfsigned") -> None:
    """Makes a ClusterIssuer that signs each certificate with its own key; issues in seconds."""
    _create_issuer(platform, name, {"selfSigned": {}})


def create_ca_issuer(platform: Platform, name: str = CA_ISSUER) -> Path:
    """Makes a certificate authority and a ClusterIssuer that signs with it.

    Returns the file with the authority's certificate (PEM), to verify by what it signs. Raises
    LabError if it can't be made.
    """
    root = f"{name}-root"
    create_self_signed_issuer(platform, root)
    _apply(platform, _authority(name, root))
    ready = ("--for=condition=Ready", "--timeout=60s", f"--namespace={NAMESPACE}")
    platform.kubectl("wait", *ready, f"certificate/{name}")
    _create_issuer(platform, name, {"ca": {"secretName": name}})
    secret = read_object(platform.api_server, "secret", name, NAMESPACE)
    if secret is None:
        raise LabError(f"The Secret {NAMESPACE}/{name} of the certificate authority vanished.")
    certificate = base64.b64decode(secret["data"]["tls.crt"]).decode("ascii")
    return write_private(platform.directory / f"{name}.pem", certificate)


def _authority(name: str, issuer: str) -> dict[str, Any]:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "isCA": True,
            "commonName": f"Kapsa laboratory {name}",
            "secretName": name,
            "privateKey": {"algorithm": "ECDSA", "size": 256},
            "issuerRef": {"kind": "ClusterIssuer", "name": issuer},
        },
    }


def _create_issuer(platform: Platform, name: str, spec: dict[str, Any]) -> None:
    issuer = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": name},
        "spec": spec,
    }
    _apply(platform, issuer)
    ready = ("--for=condition=Ready", "--timeout=30s", f"clusterissuer/{name}")
    platform.kubectl("wait", *ready)


def _apply(platform: Platform, manifest: dict[str, Any]) -> None:
    platform.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(manifest))
