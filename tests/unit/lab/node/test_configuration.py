from __future__ import annotations

import io
import json
import tarfile
import tomllib

from lab.node import configuration
from lab.node.configuration import PAUSE_IMAGE, NodeFacts
from lab.node.pause import image_archive

NODE = NodeFacts(
    bridge="kapsa-12345678",
    subnet="10.244.3.0/24",
    address="10.244.3.1",
    port=10250,
    directory="/lab/node",
    plugins=["/cache/bridge-1", "/cache/host-local-1"],
    registries=["10.244.3.1:5000"],
    runc="/usr/sbin/runc",
)


def test_containerd_is_told_where_everything_is() -> None:
    found = tomllib.loads(configuration.containerd(NODE))["plugins"]

    images, runtime = (found[f"io.containerd.cri.v1.{name}"] for name in ("images", "runtime"))
    assert images["pinned_images"] == {"sandbox": PAUSE_IMAGE}
    assert images["registry"] == {"config_path": "/lab/node/certs.d"}
    assert runtime["cni"] == {"bin_dirs": list(NODE.plugins), "conf_dir": "/lab/node/cni"}
    runc = runtime["containerd"]["runtimes"]["runc"]
    assert runc["options"] == {"BinaryName": "/usr/sbin/runc"}


def test_the_registry_is_asked_in_plain_http() -> None:
    found = tomllib.loads(configuration.hosts("10.244.3.1:5000"))

    assert found["server"] == "http://10.244.3.1:5000"
    assert [*found["host"]] == ["http://10.244.3.1:5000"]


def test_pods_get_addresses_of_the_subnet_and_the_bridge_for_a_gateway() -> None:
    (plugin,) = configuration.cni(NODE)["plugins"]

    assert plugin["bridge"] == "kapsa-12345678"
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.244.3.0/24", "gateway": "10.244.3.1"}]]


def test_the_plugin_does_not_make_a_router_of_the_machine() -> None:
    (plugin,) = configuration.cni(NODE)["plugins"]

    assert not plugin["isGateway"]
    assert not plugin["ipMasq"]


def test_kubelet_listens_to_pods_and_the_api_server_only_and_knows_whom_to_trust() -> None:
    found = configuration.kubelet(NODE)

    assert (found["address"], found["port"]) == ("10.244.3.1", 10250)
    assert found["authentication"]["anonymous"] == {"enabled": False}
    assert found["authentication"]["x509"] == {"clientCAFile": "/lab/node/api-server.crt"}
    assert found["cgroupRoot"] == "/kapsa-12345678"


def test_the_pause_image_runs_the_program_under_the_name_that_containerd_looks_for() -> None:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(image_archive(b"program", PAUSE_IMAGE))) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            files[member.name] = content.read()

    (named,) = json.loads(files["index.json"])["manifests"]
    assert named["annotations"] == {"io.containerd.image.name": PAUSE_IMAGE}
    manifest = json.loads(files[blob(named)])
    config = json.loads(files[blob(manifest["config"])])
    assert config["config"]["Entrypoint"] == ["/pause"]


def blob(descriptor: dict[str, str]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"
