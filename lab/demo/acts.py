"""What people do in both stories, and what is looked up for them."""

from __future__ import annotations

from pathlib import Path

from lab.demo.snapshot import Manifest, take
from lab.errors import LabError
from lab.scenario import Application, wait_for


def apply(app: Application, file: Path) -> None:
    """Apply a file of manifests."""
    app.platform.kubectl("apply", "-f", str(file))


def wait_until_not_empty(app: Application) -> None:
    """Wait until the forge knows of the first commit, which takes it a moment."""
    path = f"/repos/{app.repository.full_name}"
    wait_for(
        "the forge knows of the first commit", lambda: not app.gitea.call("GET", path)["empty"]
    )


def open_pull_request(app: Application, branch: str, title: str, expected: int) -> None:
    """Open the pull request that the story calls by that number."""
    number = app.open_pull_request(branch, title)
    if number != expected:
        raise LabError(f"the forge called pull request #{expected} #{number}")


def deployment(app: Application, branch: str, name: str) -> Manifest:
    """Return the Deployment of a branch whose Environment was found running before."""
    snapshot = take(app.platform)
    environment = snapshot.environment(branch)
    found = snapshot.owned("Deployment", environment) if environment else []
    if not found:
        raise LabError(f"the Deployment of {name} is gone")
    return found[0]


def in_gitea(app: Application, *path: str) -> str:
    """Say where in the forge a person does it."""
    return f"in Gitea: {app.gitea.url}/{app.repository.full_name}/{''.join(path)}"
