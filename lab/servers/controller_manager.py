"""kube-controller-manager: turns Deployments into Pods, and all the rest."""

from __future__ import annotations

from lab.httpclient import answers
from lab.servers import apiserver
from lab.servers.base import Command, Server
from lab.site import Site

NAME = "kube-controller-manager"


def _command(site: Site) -> Command:
    identity = apiserver.component_kubeconfig(site, NAME, "system:kube-controller-manager")
    return Command(
        (
            str(site.artifacts[NAME]),
            f"--kubeconfig={identity}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={site.port(NAME)}",
            f"--cert-dir={site.home(NAME) / 'certificates'}",
            f"--service-account-private-key-file={apiserver.key_file(site)}",
            f"--root-ca-file={apiserver.ca_file(site)}",
            # All controllers stay on. Without nodelifecycle the not-ready taint of a new node
            # would stay too, and nothing would be scheduled.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            # Else an autoscaler takes a pod away after five minutes.
            "--horizontal-pod-autoscaler-downscale-stabilization=5s",
        )
    )


def _ready(site: Site) -> bool:
    certificate = site.home(NAME) / "certificates" / f"{NAME}.crt"
    if not certificate.exists():
        return False
    healthy = answers(f"{site.url(NAME, 'https')}/healthz", ca_file=certificate)
    # Pods can't be created before their service account exists.
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    return healthy and apiserver.get(site, account) is not None


CONTROLLER_MANAGER = Server(NAME, (NAME,), (NAME,), _command, _ready, after=(apiserver.NAME,))
