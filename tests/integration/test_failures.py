"""What goes wrong outside is said in a condition that helps, and what runs keeps running."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

import lab
from lab.operator import NAMESPACE, OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for
from tests.integration.conftest import QUICK, polls
from tests.integration.secrecy import arguments_of_children, assert_nowhere, collecting


@dataclass(frozen=True)
class Running:
    """A Project whose production runs, and what its Deployment was then."""

    app: Application
    sha: str
    deployment: Manifest

    def assert_it_keeps_running(self) -> None:
        """The Deployment was neither made anew nor changed, and its Environment is there."""
        meta = self.deployment["metadata"]
        now = self.app.get("deployment", meta["name"], meta["namespace"])
        assert now is not None
        assert now["metadata"]["uid"] == meta["uid"]
        assert now["metadata"]["generation"] == meta["generation"]
        status = (self.app.environment("production") or {})["status"]
        assert (status["commit"], status["url"]) == (self.sha, "http://" + status["host"])


@pytest.fixture
def running(shared_operator: OperatorProcess, app: Application) -> Running:
    """A Project whose production runs."""
    sha = app.commit("main")
    app.apply(app.project())
    meta = app.wait_until_running("production", sha)["metadata"]
    deployment = app.get("deployment", meta["name"], meta["namespace"])
    assert deployment is not None
    return Running(app, sha, deployment)


@contextmanager
def _stopped(app: Application, server: str) -> Iterator[None]:
    app.platform.stop(server)
    try:
        yield
    finally:
        app.platform.start(server)


def _patched_secret(app: Application, name: str, namespace: str, **values: str) -> None:
    patch = json.dumps({"stringData": values})
    app.platform.kubectl("patch", "secret", name, "-n", namespace, "--type=merge", "-p", patch)


def _registry(app: Application, name: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "Registry",
        "metadata": {"name": name},
        "spec": {"endpoint": app.registry.host, "insecure": True, **spec},
    }


def _registry_secret(app: Application, name: str, password: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {"username": app.registry.pull_username, "password": password},
    }


def _pull_auth(name: str) -> Manifest:
    return {"secretRef": {"name": name}}


def test_a_git_server_that_is_down_stops_nothing_and_is_read_again_when_it_is_up(
    running: Running,
) -> None:
    app = running.app
    with _stopped(app, "gitea"):
        said = app.wait_for_condition("RepositoryAccessible", "RepositoryUnreachable")
        assert app.repository.clone_url in said["message"]
        running.assert_it_keeps_running()
        ready = condition(app.get("project", app.name), "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "RepositoryUnreachable")
    sha = app.commit("main")
    app.wait_until_running("production", sha)
    app.wait_for_condition("RepositoryAccessible", "RepositoryAccessible")


def test_a_token_that_is_refused_is_said_and_a_good_one_is_taken_up_within_the_poll_interval(
    running: Running,
) -> None:
    app = running.app
    secret = f"{app.name}-git"
    _patched_secret(app, secret, app.namespace, token="0" * 40)
    said = app.wait_for_condition("RepositoryAccessible", "AuthenticationFailed")
    assert app.gitea.url in said["message"]
    assert "credentials" in said["message"]
    running.assert_it_keeps_running()

    _patched_secret(app, secret, app.namespace, token=app.token)
    app.wait_for_condition("RepositoryAccessible", "RepositoryAccessible")


def test_a_repository_that_is_deleted_is_said_and_deletes_nothing(running: Running) -> None:
    app = running.app
    app.gitea.delete_repository(app.repository)
    said = app.wait_for_condition("RepositoryAccessible", "RepositoryNotFound")
    # Git or the forge, whoever is asked first.
    assert app.repository.full_name in said["message"]
    running.assert_it_keeps_running()


def test_an_image_that_does_not_exist_is_named_until_it_appears(running: Running) -> None:
    app = running.app
    sha = app.commit("main", image=False)
    said = app.wait_for_condition("ImageReady", "ImageNotFound", slug="production")
    assert f"{app.registry.host}/{app.image_repository}:{sha}" in said["message"]
    assert "push it" in said["message"]
    running.assert_it_keeps_running()
    ready = condition(app.environment("production"), "Ready")
    assert f"{running.sha[:7]} keeps running" in ready["message"]

    app.push_image(sha)
    app.wait_until_running("production", sha)


def test_a_registry_that_is_down_stops_nothing_and_is_asked_again_when_it_is_up(
    running: Running,
) -> None:
    app = running.app
    with _stopped(app, "registry"):
        sha = app.commit("main", image=False)
        said = app.wait_for_condition("ImageReady", "RegistryUnreachable", slug="production")
        assert app.registry.host in said["message"]
        running.assert_it_keeps_running()
    app.push_image(sha)
    app.wait_until_running("production", sha)


def test_a_registrys_password_that_is_refused_is_said_of_the_registry_and_of_the_environment(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(
        _registry_secret(app, "wrong-pull", "not-the-password"),
        _registry(app, "wrong", pullAuth=_pull_auth("wrong-pull")),
        app.project(registry={"name": "wrong"}),
    )
    said = app.wait_for_condition("ImageReady", "RegistryUnauthorized", slug="production")
    assert app.registry.host in said["message"]

    def refused() -> bool:
        ready = condition(app.get("registry", "wrong"), "Ready")
        return ready.get("reason") == "RegistryUnauthorized"

    wait_for("the Registry says so too", refused)
    password = app.registry.pull_password
    _patched_secret(app, "wrong-pull", NAMESPACE, password=password)
    app.wait_until_running("production", sha)


def test_a_registry_without_its_secret_names_it_and_heals_when_it_is_there(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(
        _registry(app, "no-secret", pullAuth=_pull_auth("not-there")),
        app.project(registry={"name": "no-secret"}),
    )
    said = app.wait_for_condition("ImageReady", "SecretNotFound", slug="production")
    for named in ("no-secret", "not-there", NAMESPACE, "create it"):
        assert named in said["message"]

    app.apply(_registry_secret(app, "not-there", app.registry.pull_password))
    app.wait_until_running("production", sha)


def test_a_missing_registry_is_named_and_heals_when_it_is_there(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(app.project(registry={"name": "later"}))
    said = app.wait_for_condition("RegistryReady", "RegistryNotFound")
    assert "Registry later does not exist; create it" in said["message"]
    app.wait_for_condition("ImageReady", "RegistryNotFound", slug="production")

    app.apply(_registry(app, "later", pullAuth=_pull_auth("lab-pull")))
    app.wait_until_running("production", sha)
    app.wait_for_condition("RegistryReady", "RegistryReady")


def test_an_image_on_another_host_than_the_registry_names_both(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    build = {"strategy": "prebuilt", "image": "elsewhere.example.com/acme/shop:{sha}"}
    app.apply(app.project(build=build))
    said = app.wait_for_condition("ImageReady", "RegistryMismatch", slug="production")
    for named in ("elsewhere.example.com/acme/shop", "Registry lab", app.registry.host):
        assert named in said["message"]


def test_a_missing_domain_pool_is_named_and_heals_without_a_nudge(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(app.project(domain={"domainPoolRef": {"name": "later"}}))
    said = app.wait_for_condition("DomainReady", "DomainPoolNotFound")
    assert "DomainPool later does not exist; create it" in said["message"]
    app.wait_for_condition("Ready", "DomainPoolNotFound")

    app.apply(
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "DomainPool",
            "metadata": {"name": "later"},
            "spec": {"baseDomains": ["later.localhost"]},
        }
    )
    found = app.wait_until_running("production", sha)
    assert found["status"]["host"] == "shop.later.localhost"


def test_a_domain_pool_that_goes_away_stops_nothing(running: Running) -> None:
    app = running.app
    pool = app.get("domainpool", "apps", "")
    assert pool is not None
    app.delete("domainpool", "apps")
    try:
        app.wait_for_condition("HostAllocated", "DomainPoolNotFound", slug="production")
        running.assert_it_keeps_running()
    finally:
        app.apply({**pool, "metadata": {"name": "apps"}})
    app.wait_for_condition("Ready", "Ready", slug="production")
    running.assert_it_keeps_running()


def test_an_unknown_secret_is_named_and_heals_within_the_poll_interval(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    project = app.project()
    project["spec"]["repository"]["credentials"]["secretRef"]["name"] = "not-there"
    app.apply(project)
    said = app.wait_for_condition("RepositoryAccessible", "SecretNotFound")
    for named in (app.name, "not-there", app.namespace, "create it"):
        assert named in said["message"]

    (_, secret) = app.team()
    app.apply({**secret, "metadata": {"name": "not-there", "namespace": app.namespace}})
    app.wait_until_running("production", sha)


def test_a_secret_that_goes_away_stops_nothing(running: Running) -> None:
    app = running.app
    app.delete("secret", f"{app.name}-git")
    said = app.wait_for_condition("RepositoryAccessible", "SecretNotFound")
    assert f"{app.name}-git" in said["message"]
    running.assert_it_keeps_running()

    app.apply(*app.team())
    app.wait_for_condition("RepositoryAccessible", "RepositoryAccessible")


def test_an_address_that_the_settings_forbid_is_refused_and_the_setting_is_named(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    plain = app.project()
    private = app.project(repository={"url": app.repository.clone_url.replace("http:", "https:")})
    private["metadata"]["name"] = "private"
    shared_operator.stop()
    shared_operator.environment = QUICK | {
        "KAPSA_ALLOW_HTTP_REPOSITORIES": "false",
        "KAPSA_ALLOWED_PRIVATE_HOSTS": "",
    }
    try:
        shared_operator.start()
        app.apply(plain, private)
        for name, setting in (
            (app.name, "KAPSA_ALLOW_HTTP_REPOSITORIES"),
            ("private", "KAPSA_ALLOWED_PRIVATE_HOSTS"),
        ):
            other = replace(app, name=name)
            said = other.wait_for_condition("RepositoryAccessible", "RepositoryRefused")
            assert setting in said["message"]
            assert "127.0.0.1" in said["message"]
    finally:
        shared_operator.stop()
        shared_operator.environment = QUICK
        shared_operator.start()


def test_a_repository_that_hangs_delays_no_other_project(
    shared_operator: OperatorProcess, running: Running
) -> None:
    app = running.app
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for number in range(5):
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/acme/sick-{number}.git"
            project = app.project(repository={"url": url})
            project["metadata"]["name"] = f"sick-{number}"
            app.apply(project)
        silent.settimeout(10)
        silent.accept()[0].close()
        sha = app.commit("main")
        app.wait_until_running("production", sha)
        until = polls(shared_operator) + 3
        wait_for("the healthy one is polled on", lambda: polls(shared_operator) >= until, within=20)


def _is_taken(app: Application, registry: str) -> bool:
    """Apply an invalid Registry; what was changed in its CRD counts a moment later."""
    try:
        app.apply(_registry(app, registry, endpoint="no host!"))
    except lab.LabError:
        return False
    return True


def test_an_object_that_breaks_the_models_rules_is_told_so(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    with _unchecked(app, "registries.kapsa-project.io"):
        wait_for("the API server takes it", lambda: _is_taken(app, "invalid"))

    def told() -> Manifest | None:
        ready = condition(app.get("registry", "invalid", ""), "Ready")
        return ready if ready.get("reason") == "InvalidSpec" else None

    assert "spec.endpoint" in wait_for("the Registry says so", told)["message"]
    app.apply(app.project(registry={"name": "invalid"}))
    said = app.wait_for_condition("RegistryReady", "InvalidSpec")
    assert "Registry invalid" in said["message"]


@contextmanager
def _unchecked(app: Application, name: str) -> Iterator[None]:
    """Have the API server take any object of a kind, as an older version might have."""
    crd = app.get("crd", name, "")
    assert crd is not None
    versions = crd["spec"]["versions"]
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    def set_schema(schema: Manifest) -> None:
        patch = json.dumps({"spec": {"versions": [{**versions[0], "schema": schema}]}})
        app.platform.kubectl("patch", "crd", name, "--type=merge", "-p", patch)

    set_schema({"openAPIV3Schema": loose})
    try:
        yield
    finally:
        set_schema(versions[0]["schema"])


def test_no_secret_shows_anywhere(
    shared_operator: OperatorProcess, app: Application, platform: lab.Platform
) -> None:
    canaries = {"token": "kapsa-canary-token-31337", "password": "kapsa-canary-password-31337"}
    sha = app.commit("main")
    app.apply(
        app.project(),
        _registry_secret(app, "canary-pull", canaries["password"]),
        _registry(app, "canary", pullAuth=_pull_auth("canary-pull")),
    )
    with collecting(lambda: arguments_of_children(shared_operator.pid)) as seen:
        app.wait_until_running("production", sha)
        wait_for("git was seen at work", lambda: any("ls-remote" in line for line in list(seen)))
        _patched_secret(app, f"{app.name}-git", app.namespace, token=canaries["token"])
        app.wait_for_condition("RepositoryAccessible", "AuthenticationFailed")
        app.apply(app.project(registry={"name": "canary"}))
        wait_for(
            "the Registry says that it is refused",
            lambda: condition(app.get("registry", "canary", ""), "Ready").get("status") == "False",
        )
    secrets = (app.token, app.registry.pull_password, *canaries.values())
    assert_nowhere(secrets, platform, shared_operator, seen)
