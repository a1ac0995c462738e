"""kube-scheduler: puts Pods on nodes."""

from __future__ import annotations

from lab.httpclient import answers
from lab.servers import apiserver
from lab.servers.base import Command, Server
from lab.site import Site

NAME = "kube-scheduler"


def _command(site: Site) -> Command:
    identity = apiserver.component_kubeconfig(site, NAME, "system:kube-scheduler")
    return Command(
        (
            str(site.artifacts[NAME]),
            f"--kubeconfig={identity}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={site.port(NAME)}",
            f"--cert-dir={site.home(NAME) / 'certificates'}",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        )
    )


def _ready(site: Site) -> bool:
    certificate = site.home(NAME) / "certificates" / f"{NAME}.crt"
    if not certificate.exists():
        return False
    return answers(f"{site.url(NAME, 'https')}/healthz", ca_file=certificate)


SCHEDULER = Server(NAME, (NAME,), (NAME,), _command, _ready, after=(apiserver.NAME,))
