"""The certificate by which a node knows the API server that asks it for logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.paths import write_private

# Whom RBAC lets do everything, so the node's own question about it is answered with yes.
_GROUP = "system:masters"
_VALID = timedelta(days=365)


def client_certificate(directory: Path, user: str) -> tuple[Path, Path]:
    """The files of a certificate for `user`, signed by itself, and of its key; made once."""
    certificate, key = directory / f"{user}.crt", directory / f"{user}.key"
    if not certificate.exists():
        secret = ec.generate_private_key(ec.SECP256R1())
        write_private(
            key,
            secret.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode("ascii"),
        )
        made = _sign(user, secret)
        write_private(certificate, made.public_bytes(serialization.Encoding.PEM).decode("ascii"))
    return certificate, key


def _sign(user: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _GROUP),
            x509.NameAttribute(NameOID.COMMON_NAME, user),
        ]
    )
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
