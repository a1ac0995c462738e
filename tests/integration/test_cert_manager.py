"""The laboratory's cert-manager issues certificates, so that later tests can rely on it."""

from lab.platform import Platform
from lab.scenario import wait_for

_ISSUER = """
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: self-signed}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: proof, namespace: default}
spec:
  secretName: proof-tls
  dnsNames: ["*.apps.localhost"]
  issuerRef: {name: self-signed, kind: ClusterIssuer}
"""


def test_a_self_signed_certificate_is_issued(platform: Platform) -> None:
    platform.kubectl("apply", "-f", "-", input=_ISSUER)
    try:
        ready = '{.status.conditions[?(@.type=="Ready")].status}'

        def issued() -> bool:
            get = ("get", "certificate", "proof", "-n", "default", "-o", f"jsonpath={ready}")
            return platform.kubectl(*get) == "True"

        wait_for("the certificate is issued", issued)
        get = ("get", "secret", "proof-tls", "-n", "default", "-o", "jsonpath={.type}")
        assert platform.kubectl(*get) == "kubernetes.io/tls"
    finally:
        platform.kubectl("delete", "-f", "-", input=_ISSUER)
        platform.kubectl("delete", "secret", "proof-tls", "-n", "default", "--ignore-not-found")
