"""From a pull request to the digest that runs, and on to production: nothing is built twice.

Operator, API server, forge, registry and BuildKit are real; `lab.build_node` plays the kubelet for
the pods of builds, and simulated nodes run the rest.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import lab
from lab.build_node import BuildNode, build_node, missing
from lab.httpclient import basic, request
from lab.objects import read_objects
from lab.operator import OperatorProcess
from lab.scenario import Application, condition, wait_for
from lab.servers.kwok_stages import BUILD_NAMESPACE
from tests.integration.building import (
    DOCKERFILE,
    REGISTRY,
    builds_registry,
    built_project,
    jobs_of,
    with_dockerfile,
)
from tests.integration.secrecy import (
    arguments_of_children,
    assert_nowhere,
    before_the_forge,
    collecting,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "builds can be run")

WITHIN = 90.0


@pytest.fixture(scope="module")
def node(admin: lab.Platform) -> Iterator[BuildNode]:
    """The Registry `builds`, and what runs builds."""
    items = {"apiVersion": "v1", "kind": "List", "items": list(builds_registry(admin))}
    admin.kubectl("apply", "-f", "-", input=json.dumps(items))
    with build_node(admin) as found:
        yield found
    admin.kubectl("delete", "registries", REGISTRY)


@pytest.fixture
def app(app: Application) -> Application:
    return with_dockerfile(app)


def image_of(app: Application, slug: str) -> str:
    environment = app.environment(slug)
    return str(environment["spec"].get("image", "")) if environment else ""


def running(app: Application, slug: str, commit: str) -> str:
    """Wait until an environment runs a commit; return its image."""
    environment = app.wait_until_running(slug, commit, within=WITHIN)
    return str(environment["status"]["image"])


def registry_has(app: Application, image: str) -> bool:
    path, _, digest = image.removeprefix(f"{app.registry.host}/").partition("@")
    found = request(
        "HEAD",
        f"{app.registry.url}/v2/{path}/manifests/{digest}",
        authorization=basic(app.registry.pull_username, app.registry.pull_password),
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
    )
    return found.status == 200


def running_images(app: Application, environment: dict[str, Any]) -> set[str]:
    """Return the images that the pods of an Environment really have."""
    meta = environment["metadata"]
    return {
        pod["spec"]["containers"][0]["image"]
        for pod in read_objects(
            app.platform.api_server,
            "pods",
            labelSelector=f"kapsa-project.io/environment={meta['name']}",
        )
        if pod["metadata"]["namespace"] == meta["namespace"]
        and not pod["metadata"].get("deletionTimestamp")
    }


def test_a_pull_request_is_built_once_and_production_gets_its_digest(
    app: Application, node: BuildNode, shared_operator: OperatorProcess
) -> None:
    app.commit("main", image=False)
    login = app.commit("feature/login", image=False)
    number = app.open_pull_request("feature/login")
    app.apply(built_project(app, environments=[]))
    image = running(app, f"pr-{number}", login)
    assert image.startswith(f"{app.registry.host}/built/{app.namespace}/shop@sha256:")
    assert registry_has(app, image)
    environment = app.environment(f"pr-{number}")
    assert environment is not None
    wait_for(
        "its pods run exactly that digest",
        lambda: running_images(app, environment) == {image},
    )
    assert len(jobs_of(app)) == 1

    # The same tree once more: an empty commit.
    again = app.worktree.commit({}, "Say it again", "feature/login")
    app.worktree.push("feature/login")
    assert running(app, f"pr-{number}", again) == image
    assert len(jobs_of(app)) == 1

    project = app.get("projects", app.name)
    assert project is not None
    assert condition(project, "BuildSucceeded")["status"] == "True"
    app.apply(built_project(app, environments=[
        {"name": "production", "branch": "main", "image": image}
    ]))  # fmt: skip
    wait_for("production runs the preview's digest", lambda: image_of(app, "production") == image)
    assert len(jobs_of(app)) == 1, "promotion builds nothing"


def test_a_dockerfile_that_fails_is_told_with_its_log_and_what_ran_keeps_running(
    app: Application, node: BuildNode, shared_operator: OperatorProcess
) -> None:
    good = app.commit("main", image=False)
    app.apply(built_project(app))
    image = running(app, "production", good)
    app.commit("main", files={"Dockerfile": "FROM scratch\nCOPY missing /\n"}, image=False)

    def failed() -> dict[str, Any] | None:
        found = condition(app.get("projects", app.name), "BuildSucceeded")
        return found if found.get("status") == "False" else None

    why = wait_for("the failure is told", failed, within=WITHIN)
    assert why["reason"] == "BuildFailed"
    assert "missing" in why["message"]
    app.wait_for_condition("ImageReady", "BuildFailed", slug="production")
    environment = app.environment("production")
    assert environment is not None
    assert environment["status"]["image"] == image
    assert environment["status"]["phase"] == "Failed"
    before = len(jobs_of(app))
    app.request()
    wait_for("a person asks, and it is tried again", lambda: len(jobs_of(app)) == before + 1)
    mended = app.commit("main", files={"Dockerfile": DOCKERFILE}, image=False)
    assert running(app, "production", mended)
    wait_for(
        "all is well again",
        lambda: condition(app.get("projects", app.name), "BuildSucceeded")["status"] == "True",
    )


def test_a_commit_that_changes_nothing_that_matters_causes_no_build(
    app: Application, node: BuildNode, shared_operator: OperatorProcess
) -> None:
    first = app.commit("main", image=False)
    app.apply(
        built_project(app, build={"strategy": "dockerfile", "paths": {"exclude": ["docs/*"]}})
    )
    image = running(app, "production", first)
    second = app.commit("main", files={"docs/guide.md": "More words.\n"}, image=False)
    assert running(app, "production", second) == image
    assert len(jobs_of(app)) == 1


def test_a_log_that_tells_what_the_build_knew_is_shown_without_it(
    app: Application,
    node: BuildNode,
    shared_operator: OperatorProcess,
) -> None:
    secrets = (app.token, app.registry.password)
    dockerfile = "FROM scratch\n" + "".join(f"COPY {secret} /\n" for secret in secrets)
    app.commit("main", files={"Dockerfile": dockerfile}, image=False)

    def children() -> Iterator[str]:
        return arguments_of_children(shared_operator.pid)

    with (
        collecting(children) as seen,
        before_the_forge(app.repository.clone_url, lambda: seen.update(children())) as url,
    ):
        project = built_project(app)
        project["spec"]["repository"]["url"] = url
        app.apply(project)

        def failed() -> dict[str, Any] | None:
            found = condition(app.get("projects", app.name), "BuildSucceeded")
            return found if found.get("status") == "False" else None

        why = wait_for("the failure is told", failed, within=WITHIN)
    assert why["reason"] == "BuildFailed"
    assert "[redacted]" in why["message"]
    assert any("fetch" in line for line in seen), "git was seen at work"
    told = [*seen, json.dumps(node.arguments)]
    everything = (*secrets, app.registry.pull_password)
    assert_nowhere(everything, app.platform, shared_operator, told)


def test_what_a_build_knew_is_gone_when_it_has_ended(
    app: Application, node: BuildNode, shared_operator: OperatorProcess
) -> None:
    commit = app.commit("main", image=False)
    app.apply(built_project(app))
    running(app, "production", commit)
    (job,) = jobs_of(app)
    selector = f"kapsa-project.io/build={job['metadata']['name']}"

    def left() -> list[dict[str, Any]]:
        return read_objects(app.platform.api_server, "secrets", labelSelector=selector)

    wait_for("its Secret is deleted", lambda: not left())
    app.delete("projects", app.name)

    def gone() -> bool:
        pods = read_objects(app.platform.api_server, "pods", labelSelector=selector)
        return not jobs_of(app) and not pods

    wait_for(f"its build in {BUILD_NAMESPACE} is gone", gone)
