"""Certificates, by which cert-manager issues what hosts need for https.

Source: https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.Certificate
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kapsa.core import labels
from kapsa.core.manifests.context import WorkloadContext, metadata
from kapsa.core.tls.wildcards import dns_names, wildcard_name
from kapsa.models.base import API_VERSION
from kapsa.models.domain_pool import DomainPool, IssuerReference
from kapsa.utils.names import slug


def host_certificate(
    context: WorkloadContext, name: str, issuer: IssuerReference
) -> dict[str, Any]:
    """Return the Certificate of an Environment's host; its Secret is called the same."""
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": metadata(context, name),
        "spec": _spec(name, (context.host,), issuer, {labels.ENVIRONMENT: context.name}),
    }


def wildcard_certificate(
    pool: DomainPool, zone: str, issuer: IssuerReference, namespace: str
) -> dict[str, Any]:
    """Return the Certificate of a zone of the pool, in the operator's `namespace`."""
    meta = pool.metadata
    name = wildcard_name(meta.name, zone)
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**labels.MANAGED, labels.POOL: slug(meta.name)},
            "ownerReferences": [
                labels.owner_reference(API_VERSION, "DomainPool", meta.name, meta.uid)
            ],
        },
        "spec": _spec(name, dns_names(zone, pool), issuer),
    }


def _spec(
    name: str, dns: Sequence[str], issuer: IssuerReference, whose: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the spec of a Certificate, whose Secret has the labels `whose` too.

    What newer versions of cert-manager have as defaults is written down: with older ones, requests
    would pile up and a renewal would keep the key.
    """
    return {
        "secretName": name,
        "dnsNames": list(dns),
        "issuerRef": {"group": "cert-manager.io", "kind": issuer.kind, "name": issuer.name},
        "privateKey": {"rotationPolicy": "Always"},
        "revisionHistoryLimit": 1,
        # By them Kapsa's watch, which is filtered, shows when a certificate is renewed.
        "secretTemplate": {"labels": {**labels.MANAGED, labels.CERTIFICATE: name, **(whose or {})}},
    }
