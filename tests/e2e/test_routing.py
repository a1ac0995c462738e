"""What is deployed answers at its URL, over HTTPS that verifies by the certificate authority."""

from collections.abc import Callable
from pathlib import Path

from lab.httpclient import Response, request
from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for
from lab.story_app import HEALTH, PORT, push_app_image

RUNTIME = {
    "ports": [{"name": "http", "containerPort": PORT}],
    "probes": {"readiness": {"path": HEALTH}},
}


def _commit(app: Application, branch: str) -> str:
    """Commit a page that names its branch, with an image as CI would push it."""
    sha = app.commit(branch, image=False)
    push_app_image(app.registry, app.image_repository, sha, f"<h1>This is {branch}</h1>")
    return sha


def _open(app: Application, url: str, ca_file: Path) -> Response:
    """GET what a reviewer would open; return the first answer that isn't the router's own."""
    routing = app.platform.routing
    assert routing is not None
    address = routing.address(url)

    def fetch() -> Response | None:
        try:
            found = request("GET", address, ca_file=ca_file, timeout=5)
        except OSError:
            # The router has not learned of the route's certificate yet.
            return None
        return found if found.status == 200 else None

    return wait_for(f"{address} answers", fetch)


def test_a_preview_answers_over_verified_https_through_an_ingress_until_it_is_closed(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    _commit(app, "main")
    sha = _commit(app, "feature/login")
    app.apply(app.project(runtime=RUNTIME))
    number = app.open_pull_request("feature/login")
    preview = app.wait_until_running(f"pr-{number}", sha, within=60)
    assert preview["status"]["url"] == f"https://pr-{number}-shop.apps.localhost"
    page = _open(app, preview["status"]["url"], ca_file)
    assert page.headers["X-Commit"] == sha
    assert "<h1>This is feature/login</h1>" in page.body.decode()

    app.close_pull_request(number)
    app.wait_until_gone(f"pr-{number}", within=60)
    assert app.platform.routing is not None
    plain = app.platform.routing.address(f"http://pr-{number}-shop.apps.localhost/")
    wait_for("the router knows it no more", lambda: request("GET", plain).status == 404)


def test_an_environment_of_another_pool_answers_over_verified_https_through_a_gateway(
    operator: OperatorProcess, new_application: Callable[..., Application], ca_file: Path
) -> None:
    app = new_application("blog")
    sha = _commit(app, "main")
    app.apply(app.project(runtime=RUNTIME, domain={"domainPoolRef": {"name": "gateway"}}))
    production = app.wait_until_running("production", sha, within=60)
    assert production["status"]["url"] == "https://blog.gateway.localhost"
    page = _open(app, production["status"]["url"], ca_file)
    assert page.headers["X-Commit"] == sha
    app.wait_for_condition("IngressReady", "RouteAccepted", slug="production")
    assert condition(production, "TLSReady")["reason"] == "TlsByRouter"
