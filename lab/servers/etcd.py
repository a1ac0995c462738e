"""etcd: where the API server keeps everything. One member, in no hurry to reach the disk."""

from __future__ import annotations

from lab.httpclient import answers
from lab.servers.base import Command, Server
from lab.site import Site

CLIENT_PORT = "etcd"
_PEER_PORT = "etcd-peer"


def _command(site: Site) -> Command:
    client, peer = site.url(CLIENT_PORT), site.url(_PEER_PORT)
    return Command(
        (
            str(site.artifacts["etcd"]),
            f"--data-dir={site.home('etcd') / 'data'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
    )


def _ready(site: Site) -> bool:
    return answers(f"{site.url(CLIENT_PORT)}/health")


ETCD = Server("etcd", ("etcd",), (CLIENT_PORT, _PEER_PORT), _command, _ready, stop_seconds=2)
