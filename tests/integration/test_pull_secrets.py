"""Pull Secrets reach the pods that need them, stay in step, show nowhere else, and go."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.httpclient import request
from lab.operator import NAMESPACE, OperatorProcess
from lab.scenario import Application, Manifest, condition, is_ready, lone_environment, wait_for

_MINUTE = 60.0
_KIND = "kubernetes.io/dockerconfigjson"


@dataclass(frozen=True)
class Team:
    """A team whose images are on a Registry of its own."""

    app: Application

    @property
    def registry(self) -> str:
        return f"registry-{self.app.namespace}"

    def offer(self, name: str = "", **spec: Any) -> str:
        """Apply a Registry with pull Secrets, and its credentials; return its name."""
        name = name or self.registry
        lab = self.app.registry
        self.rotate(lab.pull_username, lab.pull_password, name)
        said = {
            "endpoint": lab.host,
            "insecure": True,
            "repositoryTemplate": "{namespace}/{imageRepository}",
            "pullAuth": {"secretRef": {"name": name}},
            "imagePullSecret": {"name": "kapsa-pull"},
        } | spec
        metadata = {"name": name}
        api_version = "kapsa-project.io/v1alpha1"
        self.app.apply(
            {"apiVersion": api_version, "kind": "Registry", "metadata": metadata, "spec": said}
        )
        return name

    def rotate(self, username: str, password: str, name: str = "") -> None:
        self.app.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/basic-auth",
                "metadata": {"name": name or self.registry, "namespace": NAMESPACE},
                "stringData": {"username": username, "password": password},
            }
        )

    def alone(self, name: str = "lone", registry: str = "", **spec: Any) -> None:
        """Apply an Environment that stands alone, with an image of the team."""
        digest = self.app.push_image(name)
        image = f"{self.app.registry.host}/{self.app.image_repository}@{digest}"
        said = {"image": image, "registry": {"name": registry or self.registry}} | spec
        self.app.apply(lone_environment(name, self.app.namespace, **said))

    def secrets(self, namespace: str = "") -> list[str]:
        """Return the names of the pull Secrets of a namespace."""
        return sorted(
            item["metadata"]["name"]
            for item in self.app.list("secrets")
            if item["metadata"]["namespace"] == (namespace or self.app.namespace)
            and item.get("type") == _KIND
        )

    def user(self, namespace: str = "", name: str = "") -> str:
        """Return whom the registry lets in with a pull Secret; nobody where there is none."""
        names = [name] if name else self.secrets(namespace)
        secret = self.app.get("secret", names[0], namespace or None) if names else None
        if secret is None:
            return ""
        config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
        packed = config["auths"][self.app.registry.host]["auth"]
        authorization = f"Basic {packed}"
        url = f"{self.app.registry.url}/v2/{self.app.image_repository}/tags/list"
        if request("GET", url, authorization=authorization).status != 200:
            return ""
        return base64.b64decode(packed).decode().partition(":")[0]

    def wait_until_ready(self, name: str = "lone") -> None:
        wait_for(f"{name} is Ready", lambda: is_ready(self.app.get("environment", name)))


@pytest.fixture
def team(new_application: Callable[..., Application]) -> Iterator[Team]:
    app = new_application()
    yield Team(app)
    app.delete("registry", f"registry-{app.namespace}", "")
    app.delete("registry", f"other-{app.namespace}", "")


def _pulled_with(template: Manifest) -> list[str]:
    return [item["name"] for item in template["spec"].get("imagePullSecrets") or ()]


def _pods(app: Application, environment: str, namespace: str) -> list[Manifest]:
    return app.list(
        "pods",
        labelSelector=f"kapsa-project.io/environment={environment}",
        fieldSelector=f"metadata.namespace={namespace}",
    )


def _told(app: Application, operator: OperatorProcess) -> Iterator[tuple[str, str]]:
    """Yield all that anybody can see who may read no Secret, and where."""
    yield "log", operator.log_file.read_text(encoding="utf-8")
    kinds = "projects,environments,registries,deployments,pods,jobs,serviceaccounts,events"
    for item in app.list(kinds):
        yield f"{item['kind']} {item['metadata']['name']}", json.dumps(item)
    for item in app.list("secrets", labelSelector="app.kubernetes.io/managed-by=kapsa"):
        # Of the content, that says nothing.
        yield f"Secret {item['metadata']['name']}", json.dumps(item["metadata"])


def test_every_pod_pulls_with_the_secret_and_a_rotated_one_reaches_all_within_a_minute(
    shared_operator: OperatorProcess, team: Team
) -> None:
    app = team.app
    team.offer()
    sha = app.commit()
    app.apply(app.project(registry={"name": team.registry}))
    cron = {"name": "nightly", "kind": "cron", "schedule": "0 3 * * *", "command": ["./tidy"]}
    team.alone(runtime={"release": {"command": ["./migrate"]}, "processes": [cron]})
    production = app.wait_until_running("production", sha)
    team.wait_until_ready()
    name, made = production["metadata"]["name"], production["metadata"]["namespace"]
    assert production["spec"]["registry"] == {"name": team.registry}

    # Where the namespace was made, by the ServiceAccount; beside the tenant's own, by the pods.
    (secret,) = team.secrets(made)
    deployment = app.get("deployment", name, made)
    assert deployment is not None
    assert _pulled_with(deployment["spec"]["template"]) == []
    assert {tuple(_pulled_with(pod)) for pod in _pods(app, name, made)} == {(secret,)}
    (lone,) = team.secrets()
    pods = _pods(app, "lone", app.namespace)
    assert {pod["metadata"]["labels"]["kapsa-project.io/process"] for pod in pods} == {
        "web",
        "release",
    }
    assert {tuple(_pulled_with(pod)) for pod in pods} == {(lone,)}
    (planned,) = app.list("cronjobs", labelSelector="kapsa-project.io/environment=lone")
    assert _pulled_with(planned["spec"]["jobTemplate"]["spec"]["template"]) == [lone]

    lab = app.registry
    assert {team.user(made), team.user()} == {lab.pull_username}
    team.rotate(lab.username, lab.password)
    wait_for(
        "every copy has the new password",
        lambda: {team.user(made), team.user()} == {lab.username},
        within=_MINUTE,
    )
    for password in (lab.pull_password, lab.password):
        hidden = {password, base64.b64encode(password.encode()).decode()}
        shown = [where for where, text in _told(app, shared_operator)
                 if any(text_ in text for text_ in hidden)]  # fmt: skip
        assert shown == []

    app.delete("environment", "lone")
    wait_for("nobody there needs it any more", lambda: not team.secrets())
    assert team.secrets(made) == [secret]
    app.delete("registry", team.registry, "")
    wait_for("it goes with its Registry", lambda: not team.secrets(made))
    app.wait_for_condition("RegistryReady", "RegistryNotFound", slug="production")
    assert app.get("deployment", name, made) is not None


def test_a_secret_of_somebody_else_is_left_alone_until_it_is_out_of_the_way(
    shared_operator: OperatorProcess, team: Team
) -> None:
    app = team.app
    name = f"mine-{app.namespace}"
    mine = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": app.namespace},
        "stringData": {"mine": "all mine"},
    }
    app.apply(mine)
    team.offer(imagePullSecret={"name": name})
    team.alone()

    def conflict() -> bool:
        found = condition(app.get("environment", "lone"), "RegistryReady")
        return found.get("reason") == "NameConflict" and name in found["message"]

    wait_for("the conflict is told", conflict)
    live = app.get("secret", name)
    assert live is not None
    assert list(live["data"]) == ["mine"]
    assert app.get("deployment", "lone") is None

    app.delete("secret", name)
    wait_for("it is made", lambda: team.user(name=name) == app.registry.pull_username, _MINUTE)
    team.wait_until_ready()


def test_two_registries_of_one_namespace_have_a_secret_each(
    shared_operator: OperatorProcess, team: Team
) -> None:
    app = team.app
    first, second = team.offer(), team.offer(f"other-{app.namespace}")
    team.alone("one", registry=first)
    team.alone("two", registry=second)
    for name in ("one", "two"):
        team.wait_until_ready(name)
    used = [_pulled_with(pod) for name in ("one", "two") for pod in _pods(app, name, app.namespace)]
    assert sorted(name for names in used for name in names) == team.secrets()
    assert len(team.secrets()) == 2
    assert {team.user(name=name) for name in team.secrets()} == {app.registry.pull_username}


def test_who_may_not_use_it_gets_no_secret_and_no_image_of_another_team(
    shared_operator: OperatorProcess, team: Team
) -> None:
    app = team.app
    digest = app.push_image("theirs")
    team.offer(allowedNamespaces={"selector": {"matchLabels": {"registry": app.namespace}}})
    team.alone()

    def reason(wanted: str) -> Callable[[], bool]:
        def look() -> bool:
            found = condition(app.get("environment", "lone"), "RegistryReady")
            return bool(found.get("reason") == wanted)

        return look

    wait_for("it may not", reason("NamespaceNotAllowed"))
    assert team.secrets() == []
    assert app.get("deployment", "lone") is None

    team.offer(allowedNamespaces={})
    team.wait_until_ready()
    running = app.get("deployment", "lone")
    assert running is not None

    team.alone(image=f"{app.registry.host}/somebody-else/shop@{digest}")
    wait_for("the image is another team's", reason("RepositoryNotAllowed"))
    kept = app.get("deployment", "lone")
    assert kept is not None
    assert kept["spec"]["template"] == running["spec"]["template"]

    team.offer(allowedNamespaces={"selector": {"matchLabels": {"registry": app.namespace}}})
    wait_for("it may not any more", lambda: not team.secrets())


def test_what_goes_while_no_operator_runs_leaves_nothing(
    shared_operator: OperatorProcess, team: Team
) -> None:
    app = team.app
    team.offer()
    sha = app.commit()
    app.apply(app.project(registry={"name": team.registry}, isolation="Shared"))
    app.wait_until_running("production", sha)
    team.alone()
    team.wait_until_ready()
    assert team.user() == app.registry.pull_username

    shared_operator.stop()
    app.delete("project", app.name)
    app.delete("environment", "lone")
    shared_operator.start()
    wait_for("nothing is left", lambda: not team.secrets())
