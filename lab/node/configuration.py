"""What containerd, kubelet and the CNI plugins are told. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME = "kapsa-lab-node-1"
"""The node's name."""

PAUSE_IMAGE = "kapsa.invalid/pause:1"
CONTAINERD_ADDRESS = "/run/containerd/containerd.sock"


@dataclass(frozen=True)
class NodeFacts:
    """One node of one laboratory.

    `bridge` is also the name of its control group. `plugins` are directories with CNI plugins,
    `registries` the registries (`host:port`) that speak plain HTTP, `directory` is where its
    configuration is.
    """

    bridge: str
    subnet: str
    address: str
    port: int
    directory: str
    plugins: Sequence[str]
    registries: Sequence[str]
    runc: str
    snapshotter: str = "overlayfs"


def containerd(node: NodeFacts) -> str:
    """The config.toml of containerd."""
    plugins = ", ".join(f"'{path}'" for path in node.plugins)
    return f"""\
version = 3
disabled_plugins = ['io.containerd.nri.v1.nri']

[grpc]
address = '{CONTAINERD_ADDRESS}'

[plugins.'io.containerd.internal.v1.opt']
path = '{node.directory}/opt'

[plugins.'io.containerd.cri.v1.images']
snapshotter = '{node.snapshotter}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{PAUSE_IMAGE}'

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '{node.directory}/certs.d'

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
disable_apparmor = true  # it would load a profile into the kernel, for good

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = [{plugins}]
conf_dir = '{node.directory}/cni'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '{node.runc}'
"""


def hosts(registry: str) -> str:
    """The hosts.toml of a registry that speaks plain HTTP."""
    return f"""\
server = 'http://{registry}'

[host.'http://{registry}']
capabilities = ['pull', 'resolve']
"""


def cni(node: NodeFacts) -> Mapping[str, Any]:
    """The CNI configuration list: a port of the bridge and an address for each pod."""
    return {
        "cniVersion": "1.0.0",
        "name": "kapsa-lab",
        "plugins": [
            {
                "type": "bridge",
                "bridge": node.bridge,
                # The bridge has its address already. As a gateway the plugin would also have the
                # whole machine forward packets.
                "isGateway": False,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": node.subnet, "gateway": node.address}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


def kubelet(node: NodeFacts) -> Mapping[str, Any]:
    """The KubeletConfiguration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "port": node.port,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{node.directory}/api-server.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_ADDRESS}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.bridge}",
        "failCgroupV1": False,
        "failSwapOn": False,
        # Nobody answers there: names are not found at once, instead of after a while.
        "clusterDNS": [node.address],
        "resolvConf": f"{node.directory}/resolv.conf",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        # The machine's own packet filter and disk are nobody's business here.
        "makeIPTablesUtilChains": False,
        "evictionHard": {
            "imagefs.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        # How often it looks whether there is something to report; a new node is Ready the sooner.
        "nodeStatusUpdateFrequency": "1s",
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
    }
