"""`kapsa promote`, `rollback` and `follow` at a real API server, with an operator that obeys."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kapsa.adapters.cluster import Cluster, Manifest
from kapsa.adapters.resources import ResourceType
from kapsa.cli.promotions import run
from kapsa.cli.promotions.run import Way
from kapsa.cli.remote.desk import Desk, NotReadyError, at_kubeconfig
from lab.operator import OperatorProcess
from lab.scenario import Application, wait_for
from tests.integration.conftest import metric

PRODUCTION = {"name": "production", "branch": "main", "autoSync": False}
STAGING = {"name": "staging", "branch": "main"}


@dataclass(frozen=True)
class Person:
    """Somebody at a command line."""

    app: Application

    def kapsa(self, *arguments: str, kubeconfig: str = "") -> subprocess.CompletedProcess[str]:
        where = ("--kubeconfig", kubeconfig or str(self.app.platform.kubeconfig))
        return subprocess.run(
            [sys.executable, "-m", "kapsa", *arguments, "-n", self.app.namespace, *where],
            capture_output=True,
            text=True,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        """Run a command that works; return its standard output."""
        done = self.kapsa(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def item(self, slug: str) -> Manifest:
        """Return an item of spec.environments of the Project."""
        project = self.app.get("project", self.app.name) or {}
        return next(i for i in project["spec"]["environments"] if i["name"] == slug)

    def runs(self, slug: str) -> tuple[str, str]:
        """Return the image and the commit that an Environment runs."""
        status = (self.app.environment(slug) or {}).get("status") or {}
        return status.get("image", ""), status.get("commit", "")


@pytest.fixture
def person(app: Application) -> Person:
    return Person(app)


def image_on(app: Application, tag: str) -> str:
    """Push an image of a commit; return it by its digest."""
    return f"{app.registry.host}/{app.image_repository}@{app.push_image(tag)}"


def test_the_digest_of_a_preview_is_promoted_and_rolled_back_and_nothing_is_looked_up(
    shared_operator: OperatorProcess, person: Person
) -> None:
    app = person.app
    app.commit("main")
    first, image = _new_preview(app)
    app.apply(app.project(environments=[PRODUCTION]))
    preview = f"pr-{app.open_pull_request('topic')}"
    app.wait_until_running(preview, first)
    assert person.runs(preview) == (image, first)
    looks = metric(shared_operator, "kapsa_image_lookup_total")

    url = person.ok("promote", app.name, preview, "production", "--wait")
    assert url.strip() == (app.environment("production") or {})["status"]["url"]
    assert person.runs("production") == (image, first)
    assert person.item("production") | PRODUCTION == person.item("production")

    second, newer = _new_preview(app)
    app.wait_until_running(preview, second)
    found = metric(shared_operator, "kapsa_image_lookup_total")
    person.ok("promote", app.name, preview, "production", "--wait")
    assert person.runs("production") == (newer, second)

    person.ok("rollback", app.name, "production", "--wait")
    assert person.runs("production") == (image, first)
    person.ok("rollback", app.name, "production", "--to", second[:8], "--wait")
    assert person.runs("production") == (newer, second)
    assert metric(shared_operator, "kapsa_image_lookup_total") == found > looks

    history = (app.environment("production") or {})["status"]["history"]
    assert [item["commit"] for item in history] == [second, first, second, first]


def _new_preview(app: Application) -> tuple[str, str]:
    sha = app.commit("topic", image=False)
    return sha, image_on(app, sha)


def test_a_pinned_environment_stays_until_it_follows_its_branch_again(
    shared_operator: OperatorProcess, person: Person
) -> None:
    app = person.app
    first = app.commit("main")
    app.apply(app.project(environments=[STAGING]))
    app.wait_until_running("staging", first)
    image, _ = person.runs("staging")
    second = app.commit("main")
    app.wait_until_running("staging", second)

    person.ok("rollback", app.name, "staging", "--wait")
    third = app.commit("main")
    wait_for("the third commit is known", lambda: _latest(app) == third)
    assert person.runs("staging") == (image, first)

    person.ok("follow", app.name, "staging")
    app.wait_until_running("staging", third)


def _latest(app: Application) -> str:
    status = (app.get("project", app.name) or {}).get("status") or {}
    return str((status.get("latestCommit") or {}).get("sha"))


def test_what_is_not_ready_is_not_promoted_and_who_has_no_rights_is_told(
    shared_operator: OperatorProcess, person: Person
) -> None:
    app = person.app
    first = app.commit("main", image=False)
    app.apply(app.project(environments=[STAGING, PRODUCTION]))
    app.wait_for_condition("ImageReady", "ImageNotFound", slug="staging")
    done = person.kapsa("promote", app.name, "staging", "production")
    assert (done.returncode, "is not Ready" in done.stderr) == (1, True)

    image_on(app, first)
    app.wait_until_running("staging", first)
    reader = _reader(app)
    done = person.kapsa("promote", app.name, "staging", "production", kubeconfig=reader)
    assert (done.returncode, "cannot patch resource" in done.stderr) == (2, True), done.stderr
    shown = person.kapsa("promote", app.name, "staging", "production", "--dry-run", "-o", "json",
                         kubeconfig=reader)  # fmt: skip
    (item,) = json.loads(shown.stdout)["spec"]["environments"]
    assert (item["name"], item["revision"]) == ("production", first)
    assert person.item("production") == PRODUCTION


def _reader(app: Application) -> str:
    """Return the kubeconfig of a ServiceAccount that may read Projects and Environments."""
    name = f"reader-{app.namespace}"
    meta = {"name": name, "namespace": app.namespace}
    role: Manifest = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {"apiGroups": ["kapsa-project.io"], "resources": ["projects", "environments"],
             "verbs": ["get", "list"]}
        ],
    }  # fmt: skip
    binding: Manifest = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", **meta}],
    }
    app.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}, role, binding)
    return str(app.platform.service_account_kubeconfig(app.namespace, name))


class _Late(Cluster):
    """A cluster in which something happens just before each patch."""

    def __init__(self, cluster: Cluster, before: Callable[[], None]) -> None:
        self._cluster, self._before = cluster, before

    async def get(self, resource: ResourceType, name: str, namespace: str = "") -> Manifest | None:
        return await self._cluster.get(resource, name, namespace)

    async def patch(
        self, resource: ResourceType, name: str, namespace: str, operations: list[Manifest]
    ) -> Manifest:
        self._before()
        return await self._cluster.patch(resource, name, namespace, operations)


def _promote_after(app: Application, before: Callable[[], None]) -> int:
    """Promote staging to production; somebody does something after the Project was read."""

    async def whole() -> int:
        reach = at_kubeconfig(str(app.platform.kubeconfig), None, app.namespace)
        async with reach() as desk:
            late: Desk = replace(desk, cluster=_Late(desk.cluster, before))
            return await run.promote(late, app.name, "staging", "production", Way())

    return asyncio.run(whole())


def test_who_edits_the_environment_meanwhile_wins_and_who_edits_another_field_is_kept(
    shared_operator: OperatorProcess, person: Person
) -> None:
    app = person.app
    first = app.commit("main")
    app.apply(app.project(environments=[STAGING, PRODUCTION]))
    app.wait_until_running("staging", first)

    def edit(*environments: dict[str, Any]) -> Callable[[], None]:
        patch = json.dumps({"spec": {"environments": environments}})
        where = ("-n", app.namespace, "--type=merge", "-p", patch)
        return lambda: app.platform.kubectl("patch", "project", app.name, *where)  # type: ignore[return-value]

    other = PRODUCTION | {"revision": "a" * 40}
    with pytest.raises(NotReadyError, match="was changed by somebody else meanwhile"):
        _promote_after(app, edit(STAGING, other))
    assert person.item("production") == other

    assert _promote_after(app, edit(STAGING | {"autoSync": False}, other)) == 0
    assert person.item("staging")["autoSync"] is False
    assert person.item("production")["revision"] == first
