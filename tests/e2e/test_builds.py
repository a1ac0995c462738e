"""Builds of Dockerfiles where they belong: the very Job, on a real node, with its own image."""

import json
from collections.abc import Iterator

import pytest

import lab
from lab import builds, story_app
from lab.httpclient import Response, request
from lab.network_policies import Outside, Port, live_network
from lab.objects import read_objects
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, wait_for
from lab.servers.kwok_stages import BUILD_NAMESPACE
from tests.integration.building import builds_registry, built_project, jobs_of
from tests.integration.conftest import QUICK

WITHIN = 120.0

FORBIDS_PRIVILEGE_ESCALATION: tuple[Manifest, ...] = (
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "no-privilege-escalation"},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": BUILD_NAMESPACE}
                },
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ],
            },
            "mutations": [
                {
                    "patchType": "JSONPatch",
                    "jsonPatch": {
                        "expression": (
                            '[JSONPatch{op: "add", value: false, path:'
                            ' "/spec/containers/0/securityContext/allowPrivilegeEscalation"}]'
                        )
                    },
                }
            ],
        },
    },
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "no-privilege-escalation"},
        "spec": {"policyName": "no-privilege-escalation"},
    },
)


@pytest.fixture(scope="module")
def operator(admin: lab.Platform) -> Iterator[OperatorProcess]:
    """A running operator that may push to the Registry `builds`, with the laboratory's image."""
    if why := builds.missing():
        pytest.skip(why)
    admin.apply(*builds_registry(admin))
    process = OperatorProcess(admin, QUICK | builds.enable_builds(admin), name="e2e-builds")
    process.start()
    yield process
    process.stop()


def pods_of(app: Application, slug: str) -> list[Manifest]:
    """Return the pods of an environment that are not on their way out."""
    selector = f"kapsa-project.io/environment={app.name}-{slug}"
    found = read_objects(app.platform.api_server, "pods", labelSelector=selector)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def answer(app: Application, slug: str, path: str) -> Response:
    """Return what an environment's only pod answers at its address."""
    (pod,) = pods_of(app, slug)
    address = pod["status"]["podIP"]
    return request("GET", f"http://{address}:{story_app.PORT}{path}")


def why_no_build(app: Application) -> str:
    """Wait until a build has failed, and return what the Project says of it."""
    found = app.wait_for_condition("BuildSucceeded", "BuildFailed", within=WITHIN)
    return str(found["message"])


def test_a_pushed_commit_is_built_and_answers(operator: OperatorProcess, app: Application) -> None:
    first = app.commit(files=story_app.files("<h1>the first</h1>"), image=False)
    app.apply(built_project(app))
    environment = app.wait_until_running("production", first, within=WITHIN)

    image = environment["status"]["image"]
    assert image.startswith(f"{app.registry.host}/built/{app.namespace}/shop@sha256:")
    (pod,) = pods_of(app, "production")
    assert [container["image"] for container in pod["spec"]["containers"]] == [image]
    page = answer(app, "production", "/")
    assert page.headers["X-Commit"] == first
    assert "<h1>the first</h1>" in page.body.decode()

    second = app.commit(files={"page.html": "<h1>the second</h1>"}, image=False)
    app.wait_until_running("production", second, within=WITHIN)

    wait_for("the old pod is gone", lambda: len(pods_of(app, "production")) == 1)
    page = answer(app, "production", "/")
    assert page.headers["X-Commit"] == second
    assert "<h1>the second</h1>" in page.body.decode()
    assert len(jobs_of(app)) == 2


def test_builds_reach_names_and_what_is_outside_and_nobody_reaches_them(
    operator: OperatorProcess, app: Application
) -> None:
    app.commit(files=story_app.files("<h1>hello</h1>"), image=False)
    app.apply(built_project(app))

    def pods() -> list[Manifest]:
        server, name = app.platform.api_server, "kapsa-project.io/build"
        jobs = {job["metadata"]["labels"][name] for job in jobs_of(app)}
        found = read_objects(server, "pods", labelSelector=name)
        return [
            pod
            for pod in found
            if pod["metadata"]["labels"][name] in jobs and pod["status"].get("podIPs")
        ]

    (pod,) = wait_for("the build's pod has an address", pods, WITHIN)
    network = live_network(app.platform.api_server)
    world, cloud = Outside("203.0.113.7"), Outside("169.254.169.254")
    neighbour, names = Outside("10.96.0.1"), Outside("10.96.0.10")
    assert network.refusing(names, pod, Port(8080))
    reached = {
        "git": network.refusing(pod, world, Port(22)),
        "https": network.refusing(pod, world, Port(443)),
        "names": network.refusing(pod, names, Port(53, "UDP")),
        "mail": network.refusing(pod, world, Port(25)),
        "the cluster": network.refusing(pod, neighbour, Port(443)),
        "the metadata": network.refusing(pod, cloud, Port(80)),
    }
    assert {name for name, why in reached.items() if not why} == {"git", "https", "names"}


def test_the_end_of_a_failed_build_is_told(operator: OperatorProcess, app: Application) -> None:
    files = story_app.files("<h1>hello</h1>")
    files["Dockerfile"] = f'{files["Dockerfile"]!s}RUN ["/page", "crash"]\n'
    app.commit(files=files, image=False)
    app.apply(built_project(app))

    said = why_no_build(app)

    assert "crash: there is no setting DATABASE_URL" in said
    assert 'process "/page crash" did not complete successfully' in said


def test_a_cluster_that_forbids_user_namespaces_is_told_what_is_missing(
    operator: OperatorProcess, app: Application
) -> None:
    app.platform.apply(*FORBIDS_PRIVILEGE_ESCALATION)
    try:
        _wait_until_forbidden(app.platform)
        app.commit(files=story_app.files("<h1>hello</h1>"), image=False)
        app.apply(built_project(app))
        said = why_no_build(app)
    finally:
        for manifest in FORBIDS_PRIVILEGE_ESCALATION:
            app.platform.kubectl("delete", manifest["kind"], manifest["metadata"]["name"])

    assert "the node does not let BuildKit make a user namespace" in said
    assert "privilege escalation" in said


def _wait_until_forbidden(platform: lab.Platform) -> None:
    """The API server takes up a policy a moment after it was written."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": BUILD_NAMESPACE},
        "spec": {
            "containers": [
                {"name": "build", "image": "none", "securityContext": {"runAsUser": 1000}}
            ]
        },
    }

    def forbidden() -> bool:
        dry_run = ("create", "--dry-run=server", "-o", "json", "-f", "-")
        made = json.loads(platform.kubectl(*dry_run, input=json.dumps(pod)))
        (container,) = made["spec"]["containers"]
        return "allowPrivilegeEscalation" in (container.get("securityContext") or {})

    wait_for("privilege escalation is forbidden", forbidden)


def test_a_commit_that_mends_a_failed_build_is_built_and_runs(
    operator: OperatorProcess, app: Application
) -> None:
    files = story_app.files("<h1>hello</h1>")
    app.commit(files=files | {"Dockerfile": "FROM scratch\nCOPY nothing /\n"}, image=False)
    app.apply(built_project(app))
    why_no_build(app)

    mended = app.commit(files=files, image=False)

    app.wait_until_running("production", mended, within=WITHIN)
    project = app.get("project", app.name)
    assert condition(project, "BuildSucceeded")["status"] == "True"
