"""A real platform on this machine: control plane, simulated nodes, forge, registry, cert-manager.

`running()` is for tests and the demo; `python -m lab --help` for people. Never shipped in the
wheel.
"""

from __future__ import annotations

from lab.errors import ApiError, BuildError, ForeignContextError, LabError, ServerError
from lab.gitea import Account, Gitea, Repository
from lab.images import Registry, delete_image, image_digest, push_image
from lab.laboratory import attached, down, running, up
from lab.platform import ApiServer, Platform
from lab.worktree import Worktree, worktree

__all__ = [
    "Account",
    "ApiError",
    "ApiServer",
    "BuildError",
    "ForeignContextError",
    "Gitea",
    "LabError",
    "Platform",
    "Registry",
    "Repository",
    "ServerError",
    "Worktree",
    "attached",
    "delete_image",
    "down",
    "image_digest",
    "push_image",
    "running",
    "up",
    "worktree",
]
