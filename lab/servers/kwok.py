"""kwok: two simulated nodes. Their Pods become Ready in about a second; nothing really runs."""

from __future__ import annotations

import json

from lab.errors import ServerError
from lab.httpclient import answers
from lab.kubernetes_access import kubectl
from lab.recipes import book
from lab.servers import apiserver
from lab.servers.base import Command, Server
from lab.servers.kwok_stages import write_stages
from lab.site import Site

NAME = "kwok"
NODES = ("kapsa-lab-node-1", "kapsa-lab-node-2")
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_FAKE = {"kwok.x-k8s.io/node": "fake"}
_CAPACITY = {"cpu": "64", "memory": "512Gi", "pods": "2000", "ephemeral-storage": "1Ti"}


def _command(site: Site) -> Command:
    kubeconfig = apiserver.component_kubeconfig(site, NAME, "kapsa-lab-kwok")
    if NAME in site.configured:
        # A restarted kwok has a new identity, and would wait until its old leases run out.
        for node in NODES:
            apiserver.delete(site, f"{_LEASES}/{node}")
    files = site.artifacts[NAME].parent
    stages = [f"--config={files / stage}" for stage in book().recipes[NAME].keep]
    return Command(
        (
            str(site.artifacts[NAME]),
            f"--kubeconfig={kubeconfig}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            # Those are run, if at all, by `lab.build_node`.
            "--disregard-status-with-label-selector=kapsa-project.io/build",
            "--cidr=10.244.0.0/16",
            # Where the API server asks for the logs of pods: at this kwok.
            "--node-ip=127.0.0.1",
            f"--node-port={site.port(NAME)}",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{site.port(NAME)}",
            *stages,
            f"--config={write_stages(site, NAME)}",
        )
    )


def _ready(site: Site) -> bool:
    return answers(f"{site.url(NAME)}/healthz")


def _configure(site: Site) -> None:
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*map(_node, NODES)]})
    binary, home = site.artifacts["kubectl"], site.home("kubectl")
    kubectl(binary, site.kubeconfig, home, "apply", "--server-side", "-f", "-", input=manifests)
    names = [f"node/{name}" for name in NODES]
    try:
        kubectl(
            binary, site.kubeconfig, home, "wait", "--for=condition=Ready", "--timeout=30s", *names
        )
    except Exception as error:
        raise ServerError(f"kwok's nodes did not become Ready: {error}") from error


def _node(name: str) -> dict[str, object]:
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "type": "kwok",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": _FAKE},
        "status": {"capacity": _CAPACITY, "allocatable": _CAPACITY},
    }


KWOK = Server(NAME, (NAME,), (NAME,), _command, _ready, _configure, after=(apiserver.NAME,))
