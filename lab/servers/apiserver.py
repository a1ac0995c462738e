"""kube-apiserver: RBAC, token authentication, and an audit log of everything that changes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lab.errors import ApiError
from lab.httpclient import answers, request, request_json
from lab.kubernetes_access import write_kubeconfig
from lab.node.client_certificate import client_certificate
from lab.paths import private_directory, write_private
from lab.servers.base import Command, Server
from lab.servers.etcd import CLIENT_PORT as ETCD_PORT
from lab.servers.traefik_objects import IDENTITY as TRAEFIK
from lab.site import Site

NAME = "kube-apiserver"
ADMIN = "kapsa-lab-admin"
KUBELET = "kapsa-lab-kubelet"
ISSUER = "https://kubernetes.default.svc"

# The names under which the laboratory's own servers act, so that the audit log tells them apart.
_IDENTITIES = (
    ADMIN,
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "kapsa-lab-kwok",
    KUBELET,
    "kapsa-lab-cert-manager",
)
# Those of them that have just the rights that RBAC gives them.
_ORDINARY = (TRAEFIK,)

_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]  # one line for each request
rules:
  - level: Metadata
    verbs: [create, update, patch, delete, deletecollection]
  - level: None
"""


def url(site: Site) -> str:
    """Where the API server listens."""
    return site.url(NAME, "https")


def ca_file(site: Site) -> Path:
    """The certificate authority to verify it by.

    The file holds the server's whole chain, made by the API server itself at its first start.
    """
    return _certificates(site) / "apiserver.crt"


def key_file(site: Site) -> Path:
    """The private key that service account tokens are signed with (also the server's own)."""
    return _certificates(site) / "apiserver.key"


def kubelet_client(site: Site) -> tuple[Path, Path]:
    """The certificate, and its key, by which a real node's kubelet knows this server."""
    return client_certificate(site.home(NAME), "kapsa-lab-api-server")


def audit_log(site: Site) -> Path:
    """The audit log: one JSON object a line, Metadata level, changing requests only."""
    return site.home(NAME) / "audit.log"


def get(site: Site, path: str) -> object | None:
    """GETs a path of the API as the administrator; None if there is no such thing (yet)."""
    try:
        found: object = request_json(
            "GET",
            url(site) + path,
            authorization=f"Bearer {site.secret(ADMIN)}",
            ca_file=ca_file(site),
        )
    except (OSError, ApiError):
        return None
    return found


def delete(site: Site, path: str) -> None:
    """DELETEs a path of the API as the administrator, if it can."""
    bearer = f"Bearer {site.secret(ADMIN)}"
    with suppress(OSError):
        request("DELETE", url(site) + path, authorization=bearer, ca_file=ca_file(site))


def component_kubeconfig(site: Site, server: str, identity: str) -> Path:
    """Writes the kubeconfig one of the laboratory's own servers uses."""
    return write_kubeconfig(
        site.home(server) / "kubeconfig",
        server=url(site),
        ca_file=ca_file(site),
        user=identity,
        token=site.secret(identity),
    )


def _certificates(site: Site) -> Path:
    return private_directory(site.home(NAME) / "certificates")


def _command(site: Site) -> Command:
    home = site.home(NAME)
    rows = [f'{site.secret(name)},{name},{name},"system:masters"' for name in _IDENTITIES]
    rows += [f"{site.secret(name)},{name},{name}" for name in _ORDINARY]
    tokens = write_private(home / "tokens.csv", "\n".join(rows) + "\n")
    policy = write_private(home / "audit-policy.yaml", _AUDIT_POLICY)
    certificate, key = kubelet_client(site)
    # Made by us, so that nobody else can read it: the API server would create it as 0600 too,
    # but tests may look before the first request.
    write_private(audit_log(site), "") if not audit_log(site).exists() else None
    return Command(
        (
            str(site.artifacts[NAME]),
            f"--etcd-servers={site.url(ETCD_PORT)}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={site.port(NAME)}",
            f"--cert-dir={_certificates(site)}",
            # The API server makes this key before it reads it as the signing key.
            f"--service-account-key-file={key_file(site)}",
            f"--service-account-signing-key-file={key_file(site)}",
            f"--service-account-issuer={ISSUER}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # The names of simulated nodes lead nowhere.
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={certificate}",
            f"--kubelet-client-key={key}",
            # 127.0.0.1 is no address for the endpoints of the `kubernetes` Service.
            "--endpoint-reconciler-type=none",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={audit_log(site)}",
            "--audit-log-mode=blocking-strict",
            "--audit-log-maxsize=0",
            "--shutdown-delay-duration=0s",
        )
    )


def _ready(site: Site) -> bool:
    if not ca_file(site).exists():
        return False
    bearer = f"Bearer {site.secret(ADMIN)}"
    return answers(f"{url(site)}/readyz", authorization=bearer, ca_file=ca_file(site))


def _configure(site: Site) -> None:
    write_kubeconfig(
        site.kubeconfig,
        server=url(site),
        ca_file=ca_file(site),
        user=ADMIN,
        token=site.secret(ADMIN),
    )


API_SERVER = Server(
    NAME,
    (NAME, "kubectl"),
    (NAME,),
    _command,
    _ready,
    _configure,
    after=("etcd",),
    # It would wait a minute for its clients' watches to end; what it answered is stored anyway.
    stop_seconds=2,
)
