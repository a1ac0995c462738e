"""Registries that are well, sick or sly: what is said of each, and that none harms another."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import lab
from lab.images import delete_image
from lab.operator import NAMESPACE, OperatorProcess
from lab.scenario import Application, condition, wait_for
from tests.integration.conftest import metric
from tests.integration.secrecy import assert_nowhere
from tests.integration.token_registry import TokenRegistry, token_registry

Manifest = dict[str, Any]
WRONG = "canary-wrong-31337"


def _registry(name: str, endpoint: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "Registry",
        "metadata": {"name": name},
        "spec": {"endpoint": endpoint, **spec},
    }


def _secret(name: str, **values: str) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}


def _named(name: str) -> Manifest:
    return {"secretRef": {"name": name}}


def _said(app: Application, registry: str, type_: str, status: str) -> str:
    """Wait until a condition of a Registry has a status; return its message."""

    def look() -> Manifest | None:
        found = condition(app.get("registry", registry, ""), type_)
        return found if found.get("status") == status else None

    message: str = wait_for(f"{type_} of {registry} is {status}", look)["message"]
    return message


@pytest.fixture(scope="module")
def tokens(
    admin: lab.Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TokenRegistry]:
    """A registry with TLS of its own and bearer tokens, offered as the Registry `tokens`."""
    with token_registry(admin, tmp_path_factory.mktemp("registry")) as found:
        items = [
            _secret("tokens-ca", **{"ca.crt": found.certificate}),
            *(
                _secret(f"tokens-{user}", username=user, password=password)
                for user, password in found.passwords.items()
            ),
            _registry(
                "tokens",
                found.host,
                caSecretRef={"name": "tokens-ca"},
                auth=_named("tokens-pusher"),
                pullAuth=_named("tokens-puller"),
            ),
        ]
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        admin.kubectl("apply", "-f", "-", input=listed)
        yield found
        admin.kubectl("delete", "registry", "tokens")


@contextmanager
def _server(status: int, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """Run a server that gives every request the same answer; yield its host and the requests."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers.get('Authorization', '')}")
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_registry_with_tls_of_its_own_and_tokens_is_asked_for_what_projects_need(
    shared_operator: OperatorProcess, app: Application, tokens: TokenRegistry
) -> None:
    _said(app, "tokens", "Ready", "True")
    live = app.get("registry", "tokens", "")
    assert live is not None
    assert live["status"]["verified"] is True
    assert live["status"]["lastVerified"]

    app.commit("main")
    image = f"{tokens.host}/acme/shop:{{sha}}"
    app.apply(app.project(registry={"name": "tokens"}, build={"image": image}))
    app.wait_for_condition("ImageReady", "ImageNotFound", slug="production")
    app.wait_for_condition("RegistryReady", "RegistryReady")
    wait_for("the right to pull was asked for", lambda: "puller repository:acme/shop:pull" in
             tokens.scopes)  # fmt: skip
    assert not [scope for scope in tokens.scopes if scope.endswith("push")], "nobody pushes"


def test_a_repository_that_is_refused_is_named_and_harms_no_other_project(
    shared_operator: OperatorProcess,
    new_application: Callable[..., Application],
    tokens: TokenRegistry,
) -> None:
    good, bad = new_application("good"), new_application("bad")
    for app, path in ((good, "acme/good"), (bad, "secret/bad")):
        app.commit("main", image=False)
        build = {"image": f"{tokens.host}/{path}:{{sha}}"}
        app.apply(app.project(registry={"name": "tokens"}, build=build, domain=None))
    said = bad.wait_for_condition("RegistryReady", "RegistryUnauthorized")["message"]
    assert "pull secret/bad" in said
    assert "secret/bad" in _said(bad, "tokens", "Authenticated", "False")
    good.wait_for_condition("RegistryReady", "RegistryReady")

    tokens.rights["puller"]["secret"] = ("pull",)
    bad.wait_for_condition("RegistryReady", "RegistryReady")
    _said(bad, "tokens", "Ready", "True")


def test_a_wrong_password_is_said_in_the_servers_words_and_a_rotated_one_heals(
    shared_operator: OperatorProcess, app: Application, tokens: TokenRegistry
) -> None:
    right = _secret("tokens-pusher", username="pusher", password=tokens.passwords["pusher"])
    _said(app, "tokens", "Ready", "True")
    app.apply(_secret("tokens-pusher", username="pusher", password=WRONG))
    said = _said(app, "tokens", "Authenticated", "False")
    assert "It says: UNAUTHORIZED: who is it?" in said
    _said(app, "tokens", "Reachable", "True")
    app.apply(right)
    _said(app, "tokens", "Ready", "True")


def test_sick_and_sly_registries_are_told_apart_and_delay_nobody(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sly = 'Bearer realm="http://169.254.169.254/latest/meta-data/"'
    app.apply(_secret("canary", username="ada", password=WRONG))
    before = metric(shared_operator, "kapsa_registry_verification_total")
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        _server(500) as (broken, _),
        _server(401, {"WWW-Authenticate": sly}) as (metadata, asked),
        _server(302, {"Location": "http://169.254.169.254/v2/"}) as (elsewhere, _),
    ):
        endpoints = {
            "hangs": f"127.0.0.1:{silent.getsockname()[1]}",
            "broken": broken,
            "sly": metadata,
            "elsewhere": elsewhere,
        }
        app.apply(
            *(
                _registry(name, endpoint, insecure=True, pullAuth=_named("canary"))
                for name, endpoint in endpoints.items()
            ),
            _registry("metadata", "169.254.169.254"),
        )
        sha = app.commit("main")
        app.apply(app.project())
        app.wait_until_running("production", sha)
        assert "HTTP 500" in _said(app, "broken", "Reachable", "False")
        assert "does not send credentials" in _said(app, "sly", "Authenticated", "False")
        assert "redirects to" in _said(app, "elsewhere", "Reachable", "False")
        assert "link-local" in _said(app, "metadata", "Reachable", "False")
        assert "in time" in _said(app, "hangs", "Reachable", "False")
        assert asked
        assert not [line for line in asked if not line.endswith(" ")], "no credentials were sent"
    for name in (*endpoints, "metadata"):
        app.delete("registry", name)
    assert metric(shared_operator, "kapsa_registry_verification_total") > before


def test_an_image_that_is_deleted_stops_nothing_that_runs_and_is_missed_where_it_is_new(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(app.project())
    app.wait_until_running("production", sha)
    assert delete_image(app.registry, app.image_repository, sha)
    topic = app.commit("topic", image=False)
    number = app.open_pull_request("topic")
    app.wait_for_condition("ImageReady", "ImageNotFound", slug=f"pr-{number}")
    app.wait_until_running("production", sha)
    app.push_image(topic)
    app.wait_until_running(f"pr-{number}", topic)


def test_no_password_of_a_registry_shows_anywhere(
    shared_operator: OperatorProcess, app: Application, tokens: TokenRegistry
) -> None:
    _said(app, "tokens", "Ready", "True")
    assert_nowhere((*tokens.passwords.values(), WRONG), app.platform, shared_operator)
