"""Environments without a Project, made by `kapsa preview` as CI does: they run, change and go."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from kapsa.cli.previews.objects import own_namespace_name
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for

_CHILDREN = "deployments,services,ingresses"
_SELECTOR = "kapsa-project.io/environment"


@dataclass(frozen=True)
class Ci:
    """A pipeline that runs `kapsa preview` for an application."""

    app: Application

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kubeconfig = ("--kubeconfig", str(self.app.platform.kubeconfig))
        return subprocess.run(
            [sys.executable, "-m", "kapsa", "preview", *arguments, *kubeconfig],
            capture_output=True,
            text=True,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        """Run a command that works; return its standard output."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create(self, name: str, image: str, *options: str) -> str:
        where = () if "--own-namespace" in options else ("-n", self.app.namespace)
        pool = ("--domain-pool", "apps")
        return self.ok("create", name, "--image", image, *pool, "--wait", *options, *where)

    def image(self, tag: str) -> str:
        digest = self.app.push_image(tag)
        return f"{self.app.registry.host}/{self.app.image_repository}@{digest}"

    def children(self, name: str, namespace: str) -> list[str]:
        found = self.app.list(_CHILDREN, labelSelector=f"{_SELECTOR}={name}")
        return sorted(x["kind"] for x in found if x["metadata"]["namespace"] == namespace)


@pytest.fixture
def ci(app: Application) -> Ci:
    return Ci(app)


def _image_of(app: Application, name: str, namespace: str) -> str:
    deployment = app.get("deployment", name, namespace)
    assert deployment is not None
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def test_it_runs_rolls_another_image_out_heals_and_goes_with_all_it_became(
    shared_operator: OperatorProcess, ci: Ci
) -> None:
    app, name = ci.app, f"lone-{ci.app.namespace}"
    first, second = ci.image("one"), ci.image("two")

    assert ci.create(name, first, "--ttl", "1h") == f"http://{name}.apps.localhost\n"
    assert ci.children(name, app.namespace) == ["Deployment", "Ingress", "Service"]
    environment = app.get("environment", name)
    assert environment is not None
    assert "expiresAt" in environment["status"]
    assert "unchanged" in ci.ok("create", name, "--image", first, "--domain-pool", "apps",
                                "--ttl", "1h", "-n", app.namespace)  # fmt: skip

    ci.create(name, second, "--ttl", "1h")
    assert _image_of(app, name, app.namespace) == second
    assert name in ci.ok("list", "-n", app.namespace, "-o", "wide")

    app.delete("deployment", name)
    wait_for("it is back", lambda: app.get("deployment", name))

    assert "deleted" in ci.ok("delete", name, "-n", app.namespace, "--wait")
    wait_for("its objects are gone", lambda: not ci.children(name, app.namespace))
    wait_for("its host is free", lambda: not _claims(app, name))


def _claims(app: Application, name: str) -> list[Manifest]:
    leases = app.list("leases", labelSelector="kapsa-project.io/claim=host")
    return [
        lease
        for lease in leases
        if f"/{name}" in lease["metadata"]["annotations"]["kapsa-project.io/owner"]
    ]


def test_one_that_can_not_run_fails_the_pipeline_and_says_why(
    shared_operator: OperatorProcess, ci: Ci
) -> None:
    done = ci.run(
        "create", "sick", "--image", ci.image("one"), "--domain-pool", "nowhere", "--wait",
        "-n", ci.app.namespace,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "DomainPoolNotFound" in done.stderr

    absent = ci.run("create", "sick", "--image", "x", "-n", "no-such-namespace")
    assert (absent.returncode, "does the namespace exist" in absent.stderr) == (2, True)


def test_its_own_namespace_goes_with_it_when_it_is_deleted(
    shared_operator: OperatorProcess, ci: Ci
) -> None:
    app, name = ci.app, f"own-{ci.app.namespace}"
    own = own_namespace_name(name, "default")
    image = ci.image("one")
    assert ci.create(name, image, "--own-namespace") == f"http://{name}.apps.localhost\n"
    environment = app.get("environment", name, own)
    namespace = app.get("namespace", own, "")
    assert environment is not None
    assert namespace is not None
    assert (
        namespace["metadata"]["labels"]["kapsa-project.io/owner-uid"]
        == (environment["metadata"]["uid"])
    )
    app.get("deployment", name, own)

    # Deleted and made again at once, as a pull request that is closed and opened again.
    ci.ok("delete", name)
    ci.create(name, image, "--own-namespace")
    again = app.get("environment", name, own)
    assert again is not None
    assert again["metadata"]["uid"] != environment["metadata"]["uid"]

    ci.ok("delete", name, "--wait")
    assert app.get("namespace", own, "") is None


def test_its_own_namespace_goes_when_it_expires_and_when_no_operator_was_there(
    shared_operator: OperatorProcess, ci: Ci
) -> None:
    app, image = ci.app, ci.image("one")
    expires, deleted = f"expires-{app.namespace}", f"deleted-{app.namespace}"
    expired_namespace, deleted_namespace = (
        own_namespace_name(name, "default") for name in (expires, deleted)
    )
    ci.create(deleted, image, "--own-namespace")
    ci.create(expires, image, "--own-namespace", "--ttl", "20s")
    wait_for("the expired one's namespace is gone",
             lambda: app.get("namespace", expired_namespace, "") is None, within=90)  # fmt: skip

    shared_operator.stop()
    ci.ok("delete", deleted)
    wait_for("it is gone", lambda: app.get("environment", deleted, deleted_namespace) is None)
    namespace = app.get("namespace", deleted_namespace, "")
    assert namespace is not None
    assert "deletionTimestamp" not in namespace["metadata"]
    shared_operator.start()
    wait_for("its namespace is gone",
             lambda: app.get("namespace", deleted_namespace, "") is None, within=60)  # fmt: skip


def test_a_namespace_that_was_there_before_is_left_alone(
    shared_operator: OperatorProcess, ci: Ci
) -> None:
    done = ci.run("create", "guest", "--image", "x", "--own-namespace", "-n", ci.app.namespace)
    assert (done.returncode, "is left alone" in done.stderr) == (2, True)
    namespace = ci.app.get("namespace", ci.app.namespace, "")
    assert namespace is not None
    assert "kapsa-project.io/owner" not in json.dumps(namespace["metadata"].get("annotations"))
    assert condition(ci.app.get("environment", "guest"), "Ready") == {}
