"""Issuers for cert-manager."""

from __future__ import annotations

import json

from lab.platform import Platform


def create_self_signed_issuer(platform: Platform, name: str = "selfsigned") -> None:
    """Makes a ClusterIssuer that signs each certificate with its own key; issues in seconds."""
    issuer = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": name},
        "spec": {"selfSigned": {}},
    }
    platform.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(issuer))
    ready = ("--for=condition=Ready", "--timeout=30s", f"clusterissuer/{name}")
    platform.kubectl("wait", *ready)
