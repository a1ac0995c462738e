"""What is Kapsa's is kept as it should be; what is somebody else's is left alone."""

import json
from collections.abc import Callable

import pytest

from kapsa.core.projects.namespaces import common_namespace
from kapsa.models.project import Project
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, lone_environment, wait_for
from tests.integration.conftest import polls

SOON = 20.0

_POD = {
    "metadata": {"labels": {"app": "stranger"}},
    "spec": {"containers": [{"name": "stranger", "image": "stranger"}]},
}
_STRANGERS: dict[str, Manifest] = {
    "Deployment": {
        "apiVersion": "apps/v1",
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "stranger"}},
            "template": _POD,
        },
    },
    "Service": {"apiVersion": "v1", "spec": {"ports": [{"port": 1234}]}},
    "Ingress": {
        "apiVersion": "networking.k8s.io/v1",
        "spec": {"defaultBackend": {"service": {"name": "stranger", "port": {"number": 1}}}},
    },
    "HorizontalPodAutoscaler": {
        "apiVersion": "autoscaling/v2",
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "stranger"},
            "maxReplicas": 3,
        },
    },
}


def _stranger(kind: str, name: str, namespace: str, **labels: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {**_STRANGERS[kind], "kind": kind, "metadata": metadata}


@pytest.fixture
def production(shared_operator: OperatorProcess, app: Application) -> Manifest:
    """The Environment of a Project with isolation Project, which runs."""
    sha = app.commit("main")
    app.apply(app.project())
    return app.wait_until_running("production", sha)


def _object(app: Application, kind: str, environment: Manifest) -> Manifest:
    """Return an Environment's object, which has its name."""
    meta = environment["metadata"]
    found = app.get(kind, meta["name"], meta["namespace"])
    assert found is not None
    return found


def _soon(
    app: Application, kind: str, environment: Manifest, what: str, look: Callable[[Manifest], bool]
) -> None:
    meta = environment["metadata"]

    def found() -> bool:
        live = app.get(kind, meta["name"], meta["namespace"])
        return live is not None and look(live)

    wait_for(what, found, SOON)


def _next_poll(operator: OperatorProcess) -> None:
    """Return after two more polls: each is followed by a look at its Project."""
    until = polls(operator) + 2
    wait_for("two more polls", lambda: polls(operator) >= until)


def _said_by_people(manifest: Manifest | None) -> Manifest:
    """Return an object without what Kubernetes' own controllers write into it."""
    assert manifest is not None
    meta = manifest["metadata"]
    kept = {name: meta.get(name) for name in ("uid", "labels", "ownerReferences", "generation")}
    return {**kept, "spec": manifest["spec"]}


@pytest.mark.parametrize("kind", _STRANGERS)
@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "kapsa"}], ids=str)
def test_a_strangers_object_of_the_wanted_name_is_left_untouched_and_named(
    shared_operator: OperatorProcess, app: Application, kind: str, labels: dict[str, str]
) -> None:
    app.apply(_stranger(kind, "web", app.namespace, **labels))
    before = _said_by_people(app.get(kind, "web"))
    image = f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": app.namespace}
    runtime = {"autoscaling": {"enabled": True}}
    app.apply(lone_environment("web", app.namespace, image=image, domain=domain, runtime=runtime))

    def said() -> Manifest | None:
        status = (app.get("environment", "web") or {}).get("status") or {}
        ready = {item["type"]: item for item in status.get("conditions") or []}.get("Ready", {})
        return ready if ready.get("reason") == "NameConflict" else None

    message = wait_for("the condition names the object", said)["message"]
    assert f"{kind} web in namespace {app.namespace}" in message
    assert _said_by_people(app.get(kind, "web")) == before


def test_a_strangers_namespace_of_the_wanted_name_is_left_untouched_and_named(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    made = common_namespace(Project.model_validate(app.project()))
    app.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}})
    try:
        before = app.get("namespace", made, "")
        app.apply(app.project())
        said = app.wait_for_condition("Ready", "NamespaceConflict")
        assert made in said["message"]
        assert app.get("namespace", made, "") == before
        assert app.environments() == {}
    finally:
        app.delete("namespace", made)
    app.request()
    app.wait_for_condition("Ready", "EnvironmentsReady")


def test_the_pod_security_of_a_made_namespace_is_put_back(
    app: Application, production: Manifest
) -> None:
    label = "pod-security.kubernetes.io/enforce"
    made = production["metadata"]["namespace"]
    app.platform.kubectl("label", "namespace", made, "--overwrite", f"{label}=privileged")

    def is_back() -> bool:
        labels = (app.get("namespace", made, "") or {})["metadata"]["labels"]
        return bool(labels[label] == "restricted")

    wait_for("the label is back", is_back, SOON)


def test_fields_that_are_not_kapsas_are_left_alone(
    shared_operator: OperatorProcess, app: Application, production: Manifest
) -> None:
    meta = production["metadata"]
    name = f"deployment/{meta['name']}"
    app.platform.kubectl("scale", name, "-n", meta["namespace"], "--replicas=3")
    for verb in ("annotate", "label"):
        for kind in ("deployment", "service", "ingress", "environment"):
            where = (kind, meta["name"], "-n", meta["namespace"])
            app.platform.kubectl(verb, *where, "example.com/mine=yes")
    sha = app.commit("main")
    app.wait_until_running("production", sha)
    _next_poll(shared_operator)

    assert _object(app, "deployment", production)["spec"]["replicas"] == 3
    for kind in ("deployment", "service", "ingress", "environment"):
        found = _object(app, kind, production)["metadata"]
        assert found["annotations"]["example.com/mine"] == "yes"
        assert found["labels"]["example.com/mine"] == "yes"


def test_replicas_that_the_spec_gives_are_kept_against_a_scale(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(app.project(runtime={"replicas": 2}))
    production = app.wait_until_running("production", sha)
    name = f"deployment/{production['metadata']['name']}"
    where = ("-n", production["metadata"]["namespace"])
    app.platform.kubectl("scale", name, *where, "--replicas=5")
    _soon(
        app,
        "deployment",
        production,
        "there are two again",
        lambda live: bool(live["spec"]["replicas"] == 2),
    )


def test_a_poisoned_annotation_of_kopfs_changes_nothing(
    shared_operator: OperatorProcess, app: Application, production: Manifest
) -> None:
    annotation = "kopf.zalando.org/last-handled-configuration={not json"
    for kind, item in (("environment", production), ("project", app.project())):
        where = (kind, item["metadata"]["name"], "-n", item["metadata"]["namespace"])
        app.platform.kubectl("annotate", *where, annotation)
    app.wait_until_running("production", app.commit("main"))
    environment = app.environment("production") or {}
    assert environment["metadata"]["annotations"][annotation.partition("=")[0]] == "{not json"


def test_a_made_namespace_enforces_the_restricted_standard_which_its_pods_meet(
    app: Application, production: Manifest
) -> None:
    namespace = production["metadata"]["namespace"]
    made = app.get("namespace", namespace, "") or {}
    level = made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert level == "restricted"
    pods = json.loads(app.platform.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    assert [pod["status"]["phase"] for pod in pods] == ["Running"]
    assert pods[0]["spec"]["automountServiceAccountToken"] is False
