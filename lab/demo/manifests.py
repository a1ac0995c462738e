"""What an admin and a developer write, as files in the laboratory's directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.certificates import CA_ISSUER
from lab.paths import private_directory, write_private
from lab.routing import ingress_pool
from lab.scenario import Application, Manifest, admin_objects
from lab.story_app import RUNTIME

POLL_SECONDS = 5
"""How often the demo's operator looks for changes. Its default floor is 10 s."""


@dataclass(frozen=True)
class Files:
    """The files: `admin` and `project` to be applied, and what of them is worth showing."""

    admin: Path
    project: Path
    shown: Mapping[Path, str]


def write_manifests(app: Application) -> Files:
    """Write the manifests, readable by the owner only, since Secrets are among them."""
    return _write(app, admin_objects(app.registry), project(app))


def write_real_manifests(app: Application) -> Files:
    """Write those of a laboratory where containers run: Kapsa builds, and certificates verify."""
    made = {item["kind"]: item for item in admin_objects(app.registry)}
    login = {"username": app.registry.username, "password": app.registry.password}
    pull = made["Secret"]
    push = {**pull, "metadata": {**pull["metadata"], "name": "lab-push"}, "stringData": login}
    registry = made["Registry"]
    registry["spec"] |= {
        "repositoryTemplate": "{namespace}/{imageRepository}",
        "auth": {"secretRef": {"name": "lab-push"}},
        "imagePullSecret": {"name": "lab-pull"},
    }
    pool = ingress_pool("apps", "apps.localhost", CA_ISSUER)
    return _write(app, (pull, push, registry, pool), built_project(app))


def _write(app: Application, offered: Sequence[Manifest], developed: Manifest) -> Files:
    directory = private_directory(app.platform.directory / "manifests")
    admin = write_private(directory / "admin.yaml", _dump(*offered))
    developer = write_private(directory / "project.yaml", _dump(*app.team(), developed))
    shown = [manifest for manifest in offered if _ours(manifest)]
    return Files(admin, developer, {admin: _dump(*shown), developer: _dump(developed)})


def project(app: Application) -> Manifest:
    """Return the demo's Project."""
    repository: dict[str, Any] = app.project()["spec"]["repository"]
    return app.project(
        repository=repository | {"pollInterval": f"{POLL_SECONDS}s"},
        previewEnvironments={
            "pullRequests": {"enabled": True},
            "branches": {"enabled": True, "include": ["preview/*"]},
        },
    )


def built_project(app: Application) -> Manifest:
    """Return the demo's Project where Kapsa builds its Dockerfile."""
    repository: dict[str, Any] = app.project()["spec"]["repository"]
    return app.project(
        repository=repository | {"pollInterval": f"{POLL_SECONDS}s"},
        build={"strategy": "dockerfile"},
        runtime=RUNTIME,
        previewEnvironments={"pullRequests": {"enabled": True}},
    )


def _ours(manifest: Manifest) -> bool:
    return str(manifest["apiVersion"]).startswith("kapsa-project.io/")


def _dump(*manifests: Manifest) -> str:
    return yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True)
