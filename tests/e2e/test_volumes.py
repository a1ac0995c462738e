"""What the application has written to a retained volume is there when it comes back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab.node.configuration import NAME
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from lab.story_app import COUNT_DIRECTORY
from tests.e2e.pages import commit_page
from tests.e2e.pods import RUNTIME, ask, containers, ready_pods, text

WITHIN = 60.0

_CLASS = "node-disks"
_DISK = "node-disk"


@pytest.fixture
def disk(admin: lab.Platform) -> Iterator[Path]:
    """A disk of the node's own, below the laboratory's directory, in a StorageClass for it."""
    directory = admin.directory / "disks" / _DISK
    directory.mkdir(parents=True)
    made = {"apiVersion": "v1", "kind": "List", "items": [_storage_class(), _disk(directory)]}
    admin.kubectl("apply", "-f", "-", input=json.dumps(made))
    yield directory
    admin.kubectl("delete", "storageclass", _CLASS)
    admin.kubectl("delete", "persistentvolume", _DISK, "--wait=false")


def _storage_class() -> Manifest:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": _CLASS},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _disk(directory: Path) -> Manifest:
    on_the_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _DISK},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": _CLASS,
            # Not a hostPath, whose files no fsGroup is given to.
            "local": {"path": str(directory)},
            "nodeAffinity": {
                "required": {"nodeSelectorTerms": [{"matchExpressions": [on_the_node]}]}
            },
        },
    }


def _count(app: Application, method: str = "GET") -> str:
    """Return the number that the application keeps on its volume; POST adds one first."""
    (pod,) = ready_pods(app, "production", 1)
    return text(ask(pod, "/count", method))


def test_a_retained_volume_keeps_its_content_until_the_environment_returns(
    operator: OperatorProcess, app: Application, disk: Path
) -> None:
    volume = {
        "name": "data",
        "mountPath": COUNT_DIRECTORY,
        "storageClassName": _CLASS,
        "retain": True,
    }
    sha = commit_page(app, "<h1>hello</h1>")
    project = app.project(runtime={**RUNTIME, "volumes": [volume]})
    app.apply(project)
    before = app.wait_until_running("production", sha, within=WITHIN)["metadata"]
    assert [_count(app), _count(app, "POST"), _count(app, "POST")] == ["0", "1", "2"]

    app.delete("project", app.name)
    app.wait_until_gone("production", within=WITHIN)
    made = before["namespace"]
    wait_for("no container is left", lambda: not containers(app.platform, made), WITHIN)
    assert (disk / "count").read_text("utf-8").strip() == "2"

    app.apply(project)
    after = app.wait_until_running("production", sha, within=WITHIN)["metadata"]
    assert after["uid"] != before["uid"]
    assert [_count(app), _count(app, "POST")] == ["2", "3"]
