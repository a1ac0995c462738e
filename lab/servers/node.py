"""A real node: containerd and kubelet, in namespaces of their own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import yaml

from lab.errors import ServerError
from lab.node import configuration, outside
from lab.node.configuration import CONTAINERD_ADDRESS, PAUSE_IMAGE, NodeFacts
from lab.node.machine import Machine
from lab.node.outside import Record
from lab.node.pause import image_archive
from lab.paths import private_directory, write_private
from lab.servers import apiserver, registry
from lab.servers.base import Command, Server
from lab.site import Site

NAME = "node"
PORT = "kubelet"
_PLUGINS = ("bridge", "loopback", "host-local")
_RECIPES = ("kubelet", "containerd", "containerd-shim-runc-v2", "ctr", *_PLUGINS, "pause")
_PROJECT = Path(__file__).resolve().parent.parent.parent
_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{configuration.NAME}"


def _command(site: Site) -> Command:
    directory, record = site.home(NAME), outside.find(site)
    if record is None:
        raise ServerError("The laboratory's node has no bridge: start it with `--node real`.")
    outside.power_on(record)
    node = _facts(site, record)
    _write_configuration(site, node)
    description = _machine(site, node).save(_description(site))
    isolate = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private")
    shim = site.artifacts["containerd-shim-runc-v2"].parent
    return Command(
        (*isolate, sys.executable, "-m", "lab.node.inside", str(description)),
        {
            "PATH": f"{shim}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(_PROJECT),
            "HOME": str(directory),
            "TMPDIR": str(private_directory(directory / "tmp")),
        },
    )


def _facts(site: Site, record: Record) -> NodeFacts:
    has_registry = registry.NAME in site.artifacts
    return NodeFacts(
        bridge=record.name,
        subnet=record.subnet,
        address=record.address,
        port=site.port(PORT),
        directory=str(site.home(NAME)),
        plugins=[str(site.artifacts[name].parent) for name in _PLUGINS],
        registries=[f"{site.address}:{site.port(registry.NAME)}"] if has_registry else [],
        runc=shutil.which("runc") or "runc",
        snapshotter=_snapshotter(site.directory),
    )


def _snapshotter(directory: Path) -> str:
    """What keeps the files of containers: an overlay can't be laid over another."""
    device = directory.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split(" ")[2] == number:
            return "native" if source.startswith("overlay ") else "overlayfs"
    return "overlayfs"


def _write_configuration(site: Site, node: NodeFacts) -> None:
    directory = site.home(NAME)
    write_private(directory / "containerd.toml", configuration.containerd(node))
    write_private(directory / "kubelet.yaml", yaml.safe_dump(configuration.kubelet(node)))
    cni = private_directory(directory / "cni") / "10-kapsa.conflist"
    write_private(cni, json.dumps(configuration.cni(node)))
    for host in node.registries:
        hosts = private_directory(directory / "certs.d" / host) / "hosts.toml"
        write_private(hosts, configuration.hosts(host))
    certificate, _ = apiserver.kubelet_client(site)
    shutil.copyfile(certificate, directory / "api-server.crt")
    write_private(directory / "resolv.conf", f"nameserver {node.address}\n")
    pause = site.artifacts["pause"].read_bytes()
    (directory / "pause.tar").write_bytes(image_archive(pause, PAUSE_IMAGE))


def _machine(site: Site, node: NodeFacts) -> Machine:
    directory = site.home(NAME)
    kubeconfig = apiserver.component_kubeconfig(site, NAME, apiserver.KUBELET)
    ctr = (str(site.artifacts["ctr"]), f"--address={CONTAINERD_ADDRESS}", "--namespace=k8s.io")
    return Machine(
        directory=str(directory),
        covers={
            place: str(directory / "places" / place.strip("/").replace("/", "-"))
            for place in ("/var/lib", "/var/log")
        },
        kept=sorted({str(site.directory), *(str(p.parent) for p in site.artifacts.values())}),
        containerd=(
            str(site.artifacts["containerd"]),
            f"--config={directory / 'containerd.toml'}",
        ),
        answers=(*ctr, "version"),
        prepare=(*ctr, "images", "import", str(directory / "pause.tar")),
        kubelet=(
            str(site.artifacts["kubelet"]),
            f"--config={directory / 'kubelet.yaml'}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={configuration.NAME}",
            f"--node-ip={node.address}",
        ),
        logs={name: str(site.log(name)) for name in ("containerd", "kubelet")},
    )


def _description(site: Site) -> Path:
    return site.home(NAME) / "machine.json"


def _ready(site: Site) -> bool:
    found = apiserver.get(site, f"/api/v1/nodes/{configuration.NAME}")
    node = cast("dict[str, Any] | None", found)
    if node is None or node["spec"].get("taints"):
        return False
    conditions = {item["type"]: item["status"] for item in node["status"].get("conditions") or ()}
    # What a Node says of itself outlives its kubelet.
    is_new = NAME not in site.configured or _has_renewed(site)
    return conditions.get("Ready") == "True" and is_new


def _has_renewed(site: Site) -> bool:
    """Whether the kubelet has renewed its lease since it was started."""
    lease = cast("dict[str, Any] | None", apiserver.get(site, _LEASE))
    if lease is None:
        return False
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
    return renewed.timestamp() >= _description(site).stat().st_mtime


NODE = Server(
    NAME,
    _RECIPES,
    (),
    _command,
    _ready,
    remove=outside.disconnect,
    after=(apiserver.NAME,),
    ready_seconds=90,
    # Its first process hears no signal but SIGKILL, and takes all others along.
    stop_seconds=0,
)
