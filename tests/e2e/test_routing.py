"""What is deployed answers at its URL, over HTTPS that verifies by the certificate authority."""

from collections.abc import Callable
from pathlib import Path

from lab.httpclient import request
from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for
from lab.story_app import HEALTH, PORT
from tests.e2e.pages import address_of, commit_page, wait_until_open

RUNTIME = {
    "ports": [{"name": "http", "containerPort": PORT}],
    "probes": {"readiness": {"path": HEALTH}},
}


def test_a_preview_answers_over_verified_https_through_an_ingress_until_it_is_closed(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    commit_page(app, "<h1>This is main</h1>")
    sha = commit_page(app, "<h1>This is feature/login</h1>", "feature/login")
    app.apply(app.project(runtime=RUNTIME))
    number = app.open_pull_request("feature/login")
    preview = app.wait_until_running(f"pr-{number}", sha, within=60)
    assert preview["status"]["url"] == f"https://pr-{number}-shop.apps.localhost"
    page = wait_until_open(address_of(app, preview), ca_file)
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
    sha = commit_page(app, "<h1>This is main</h1>")
    app.apply(app.project(runtime=RUNTIME, domain={"domainPoolRef": {"name": "gateway"}}))
    production = app.wait_until_running("production", sha, within=60)
    assert production["status"]["url"] == "https://blog.gateway.localhost"
    page = wait_until_open(address_of(app, production), ca_file)
    assert page.headers["X-Commit"] == sha
    app.wait_for_condition("IngressReady", "RouteAccepted", slug="production")
    assert condition(production, "TLSReady")["reason"] == "TlsByRouter"
