"""Storage for the laboratory, in which no provisioner runs.

The tests make the PersistentVolumes themselves; Kubernetes' own controller binds claims to them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from lab.platform import Platform
from lab.scenario import Manifest

VOLUME_CLASS = "shelf"
"""The cluster's default StorageClass meanwhile, which has the disks."""
EMPTY_CLASS = "other"
"""A StorageClass that has none."""

_DISKS = [f"{VOLUME_CLASS}-{number}" for number in range(16)]


@contextmanager
def disks(platform: Platform) -> Iterator[None]:
    """Have disks of 10Gi that claims are bound to, for the length of a `with` block."""
    items = [
        _storage_class(VOLUME_CLASS, is_default=True),
        _storage_class(EMPTY_CLASS, is_default=False),
        *map(_disk, _DISKS),
    ]
    made = {"apiVersion": "v1", "kind": "List", "items": items}
    platform.kubectl("apply", "-f", "-", input=json.dumps(made))
    try:
        yield
    finally:
        platform.kubectl("delete", "storageclass", VOLUME_CLASS, EMPTY_CLASS)
        platform.kubectl("delete", "persistentvolume", *_DISKS, "--wait=false")


def _storage_class(name: str, *, is_default: bool) -> Manifest:
    annotation = {"storageclass.kubernetes.io/is-default-class": str(is_default).lower()}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotation},
        "provisioner": "kubernetes.io/no-provisioner",
        "allowVolumeExpansion": True,
    }


def _disk(name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": VOLUME_CLASS,
            "hostPath": {"path": f"/var/lib/{name}"},
        },
    }
