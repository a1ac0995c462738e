"""Pages of the application: pushed as a CI would, and opened as a reviewer would."""

from pathlib import Path

from lab.httpclient import Response, request
from lab.scenario import Application, Manifest, wait_for
from lab.story_app import push_app_image


def commit_page(
    app: Application, page: str, branch: str = "main", *, command: str = "serve"
) -> str:
    """Push a commit, and before it the image of this page, which runs `command`; the SHA."""
    sha = app.worktree.commit({"page.html": page}, "Change the page", branch)
    push_app_image(app.registry, app.image_repository, sha, page, command=command)
    app.worktree.push(branch)
    return sha


def address_of(app: Application, environment: Manifest) -> str:
    """Return where an environment's URL opens."""
    routing = app.platform.routing
    assert routing is not None
    return routing.address(environment["status"]["url"])


def wait_until_open(address: str, ca_file: Path) -> Response:
    """GET what a reviewer would open; return the first answer that isn't the router's own."""

    def fetch() -> Response | None:
        try:
            found = request("GET", address, ca_file=ca_file, timeout=5)
        except OSError:
            # The router has not learned of the route's certificate yet.
            return None
        return found if found.status == 200 else None

    return wait_for(f"{address} answers", fetch)
