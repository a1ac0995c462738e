"""What an admin and a developer write, as files in the laboratory's directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.paths import private_directory, write_private
from lab.scenario import Application, Manifest, admin_objects

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
    directory = private_directory(app.platform.directory / "manifests")
    admin = write_private(directory / "admin.yaml", _dump(*admin_objects(app.registry)))
    developer = write_private(directory / "project.yaml", _dump(*app.team(), project(app)))
    offered = [manifest for manifest in admin_objects(app.registry) if _ours(manifest)]
    return Files(admin, developer, {admin: _dump(*offered), developer: _dump(project(app))})


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


def _ours(manifest: Manifest) -> bool:
    return str(manifest["apiVersion"]).startswith("kapsa-project.io/")


def _dump(*manifests: Manifest) -> str:
    return yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True)
