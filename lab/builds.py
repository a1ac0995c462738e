"""Has Kapsa build Dockerfiles on the real node of a laboratory, as an admin would.

The image for it is in the laboratory's registry, which gives nothing to those without a password.
So the ServiceAccount of the pods of builds gets a pull secret, in a namespace that is there before
the operator wants it and has the labels by which the operator takes it for its own.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from lab.build_image import missing as missing_programs
from lab.build_image import push_build_image
from lab.errors import LabError
from lab.images import Registry
from lab.platform import Platform
from lab.servers.kwok_stages import BUILD_NAMESPACE

Manifest = dict[str, Any]

_PULL_SECRET = "kapsa-lab-pull"  # noqa: S105 - a name
# What forbids user namespaces: a setting of the kernel, and its value.
_FORBIDS = (
    ("user/max_user_namespaces", "0"),
    ("kernel/unprivileged_userns_clone", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
)


def missing(settings: Path = Path("/proc/sys")) -> str:
    """Why a real node of this machine can't build, in one line; '' where it can."""
    for name, forbids in _FORBIDS:
        file = settings / name
        if file.exists() and file.read_text("ascii").strip() == forbids:
            return (
                f"Builds need user namespaces, and {name.replace('/', '.')} is {forbids}."
                " Change it with `sysctl -w`."
            )
    return missing_programs()


def enable_builds(platform: Platform) -> dict[str, str]:
    """Makes the image, and lets the pods of builds pull it; the operator's settings for it.

    Raises LabError if the image can't be made here.
    """
    registry = platform.registry
    if registry is None:
        raise LabError("Builds need a registry: the laboratory's profile hasn't got one.")
    image = push_build_image(registry)
    items = {"apiVersion": "v1", "kind": "List", "items": [*_objects(registry)]}
    platform.kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(items)
    )
    return {"KAPSA_BUILDKIT_IMAGE": image}


def _objects(registry: Registry) -> tuple[Manifest, ...]:
    where = {"namespace": BUILD_NAMESPACE}
    login = f"{registry.pull_username}:{registry.pull_password}".encode()
    auths = {registry.host: {"auth": base64.b64encode(login).decode("ascii")}}
    return (
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": BUILD_NAMESPACE,
                "labels": {
                    "app.kubernetes.io/managed-by": "kapsa",
                    "kapsa-project.io/builds": "true",
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": _PULL_SECRET, **where},
            "stringData": {".dockerconfigjson": json.dumps({"auths": auths})},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", **where},
            "imagePullSecrets": [{"name": _PULL_SECRET}],
        },
    )
