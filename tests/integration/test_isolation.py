"""The namespaces that Kapsa makes: one for each Environment, guarded, and gone with it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lab
from kapsa.core.projects.namespaces import environment_namespace
from kapsa.models.project import Project
from lab.errors import LabError
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.audit import operator_writes
from tests.integration.conftest import QUICK, polls

SOON = 20.0
RULES = {
    "KAPSA_RESOURCE_QUOTA": '{"count/configmaps": "3", "services": "5"}',
    "KAPSA_LIMIT_RANGE": '{"defaultRequest": {"cpu": "10m"}, "max": {"memory": "1Gi"}}',
}
ACCESS = [{"kind": "Group", "name": "team-a"}]
OWNED = "app.kubernetes.io/managed-by=kapsa"
_FURNISHINGS = {
    "serviceaccount": "kapsa-shop",
    "networkpolicy": "kapsa",
    "resourcequota": "kapsa",
    "limitrange": "kapsa",
    "rolebinding": "kapsa-access",
}


@pytest.fixture(scope="module")
def guarded(admin: lab.Platform) -> Iterator[OperatorProcess]:
    """An operator whose admin bounds every namespace that it makes."""
    process = OperatorProcess(admin, QUICK | RULES, name="isolation")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def apart(guarded: OperatorProcess, app: Application) -> Application:
    """An application whose Environments live apart from each other: production runs."""
    sha = app.commit("main")
    app.apply(_project(app))
    app.wait_until_running("production", sha)
    return app


def _project(app: Application, **spec: Any) -> Manifest:
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": app.namespace}
    return app.project(**({"isolation": "Environment", "access": ACCESS, "domain": domain} | spec))


def _home(app: Application, slug: str) -> str:
    project = Project.model_validate(_project(app))
    return environment_namespace(project, f"{app.name}-{slug}")


def _made(app: Application) -> set[str]:
    """Return the names of the namespaces that were made for the Project."""
    annotation = "kapsa-project.io/owner"
    return {
        item["metadata"]["name"]
        for item in app.list("namespaces", labelSelector=OWNED)
        if item["metadata"]["annotations"].get(annotation) == f"Project/{app.namespace}/{app.name}"
    }


def _furnishing(app: Application, kind: str, namespace: str) -> Manifest:
    found = app.get(kind, _FURNISHINGS[kind], namespace)
    assert found is not None
    return found


def _preview(app: Application, branch: str = "feature/login") -> tuple[str, int]:
    sha = app.commit(branch)
    return sha, app.open_pull_request(branch)


def _as_jane(app: Application, *arguments: str) -> str:
    return app.platform.kubectl(*arguments, "--as=jane", "--as-group=team-a")


def _may_jane(app: Application, verb: str, what: str, namespace: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "jane",
            "groups": ["team-a"],
            "resourceAttributes": {
                "verb": verb,
                "namespace": namespace,
                **dict(zip(("resource", "subresource"), what.split("/"), strict=False)),
            },
        },
    }
    raw = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    answer = app.platform.kubectl("create", f"--raw={raw}", "-f", "-", input=json.dumps(review))
    return bool(json.loads(answer)["status"]["allowed"])


def test_each_environment_has_a_namespace_of_its_own_which_goes_with_it(
    guarded: OperatorProcess, apart: Application
) -> None:
    sha, number = _preview(apart)
    preview = apart.wait_until_running(f"pr-{number}", sha)
    homes = {_home(apart, slug) for slug in ("production", f"pr-{number}")}
    assert preview["metadata"]["namespace"] in homes
    assert _made(apart) == homes
    uid = preview["metadata"]["uid"]

    apart.close_pull_request(number)
    apart.wait_until_gone(f"pr-{number}")
    wait_for(
        "its namespace is gone", lambda: _made(apart) == {_home(apart, "production")}, within=60
    )
    selector = f"kapsa-project.io/owner-uid={uid}"
    wait_for("its host is free", lambda: not apart.list("leases", labelSelector=selector))

    apart.delete("project", apart.name)
    wait_for("all namespaces are gone", lambda: not _made(apart), within=60)


def test_an_environment_and_a_namespace_that_somebody_deletes_come_back(
    apart: Application,
) -> None:
    home = _home(apart, "production")
    old = apart.environment("production") or {}
    apart.delete("environment", old["metadata"]["name"], home)
    new = apart.wait_until_running("production", old["spec"]["commit"])
    assert new["metadata"]["uid"] != old["metadata"]["uid"]

    apart.delete("namespace", home)
    again = apart.wait_until_running("production", old["spec"]["commit"])
    assert again["metadata"]["uid"] != new["metadata"]["uid"]
    assert again["metadata"]["namespace"] == home
    assert again["status"]["host"] == old["status"]["host"]


def test_what_a_namespace_is_furnished_with_is_put_right(apart: Application) -> None:
    home = _home(apart, "production")
    for kind, name in _FURNISHINGS.items():
        _is_put_right(apart, kind, name, home)


def _is_put_right(apart: Application, kind: str, name: str, home: str) -> None:
    before = _furnishing(apart, kind, home)

    for label in ("app.kubernetes.io/managed-by", "kapsa-project.io/owner-uid"):
        apart.platform.kubectl("label", kind, name, "-n", home, f"{label}-")
        labels = before["metadata"]["labels"]

        def has_its_labels(labels: dict[str, str] = labels) -> bool:
            return bool(_furnishing(apart, kind, home)["metadata"]["labels"] == labels)

        wait_for(f"{label} is back", has_its_labels, SOON)
    assert _furnishing(apart, kind, home)["metadata"]["uid"] == before["metadata"]["uid"]

    apart.delete(kind, name, home)

    def is_there() -> bool:
        found = apart.get(kind, name, home)
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    wait_for(f"there is a new {kind}", is_there, SOON)


_MEDDLING: dict[str, list[Manifest]] = {
    "networkpolicy": [
        {"op": "add", "path": "/spec/podSelector/matchLabels", "value": {"app": "nothing"}},
        {"op": "add", "path": "/spec/ingress/-", "value": {}},
    ],
    "resourcequota": [{"op": "replace", "path": "/spec/hard/services", "value": "500"}],
    "limitrange": [
        {"op": "replace", "path": "/spec/limits/0/max/memory", "value": "64Gi"},
        {"op": "add", "path": "/spec/limits/-", "value": {"type": "Pod", "max": {"cpu": "1"}}},
    ],
    "rolebinding": [
        {
            "op": "add",
            "path": "/subjects/-",
            "value": {
                "kind": "User",
                "name": "mallory",
                "apiGroup": "rbac.authorization.k8s.io",
            },
        }
    ],
    "serviceaccount": [{"op": "replace", "path": "/automountServiceAccountToken", "value": True}],
}


def test_a_guard_that_somebody_loosens_is_put_right(apart: Application) -> None:
    home = _home(apart, "production")

    def said(kind: str) -> Manifest:
        found = _furnishing(apart, kind, home)
        names = ("spec", "subjects", "automountServiceAccountToken")
        return {name: found[name] for name in names if name in found}

    for kind, changes in _MEDDLING.items():
        before = said(kind)
        for change in changes:
            where = (kind, _FURNISHINGS[kind], "-n", home)
            apart.platform.kubectl("patch", *where, "--type=json", "-p", json.dumps([change]))

            def is_as_it_was(kind: str = kind, before: Manifest = before) -> bool:
                return said(kind) == before

            wait_for(f"the {kind} is as it was", is_as_it_was, SOON)


def test_the_labels_by_which_a_namespace_is_known_are_put_back(apart: Application) -> None:
    home = _home(apart, "production")
    before = apart.get("namespace", home, "") or {}
    for label in ("app.kubernetes.io/managed-by", "kapsa-project.io/owner-uid"):
        apart.platform.kubectl("label", "namespace", home, f"{label}-")

        def is_back() -> bool:
            found = apart.get("namespace", home, "") or {}
            return bool(found["metadata"]["labels"] == before["metadata"]["labels"])

        wait_for("the label is back", is_back, SOON)
    apart.wait_until_running("production", apart.commit("main"))


def test_access_lets_people_look_and_do_nothing_more_until_it_is_taken_away(
    apart: Application,
) -> None:
    home = _home(apart, "production")
    pods = json.loads(_as_jane(apart, "get", "pods", "-n", home, "-o", "json"))["items"]
    assert len(pods) == 1
    allowed = (("get", "pods/log"), ("create", "pods/portforward"), ("list", "events"))
    denied = (("get", "secrets"), ("list", "configmaps"), ("delete", "pods"), ("get", "pods/exec"))
    assert all(_may_jane(apart, verb, what, home) for verb, what in allowed)
    assert not any(_may_jane(apart, verb, what, home) for verb, what in denied)
    assert not _may_jane(apart, "get", "pods", apart.namespace)

    apart.apply(_project(apart, access=[]))
    gone = lambda: not _may_jane(apart, "get", "pods", home)  # noqa: E731
    wait_for("nobody may look any more", gone, SOON)
    assert apart.get("rolebinding", "kapsa-access", home) is None


def test_another_role_of_the_admin_takes_the_place_of_the_former(
    guarded: OperatorProcess, apart: Application
) -> None:
    home = _home(apart, "production")
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    group = "rbac.authorization.k8s.io"
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    bind = {
        "apiGroups": [group],
        "resources": ["clusterroles"],
        "resourceNames": ["pod-lister"],
        "verbs": ["bind"],
    }
    subject = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}
    names = {"pod-lister": pods, "may-bind-pod-lister": bind}
    roles = [
        {**rbac, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]}
        for name, rule in names.items()
    ]
    binding = {
        **rbac,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "may-bind-pod-lister"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "may-bind-pod-lister"},
        "subjects": [subject],
    }
    apart.apply(*roles, binding)
    guarded.stop()
    environment = dict(guarded.environment)
    other = OperatorProcess(
        apart.platform,
        environment | {"KAPSA_DEVELOPER_CLUSTER_ROLE": "pod-lister"},
        name="another-role",
    )
    other.start()
    try:

        def is_bound() -> bool:
            found = apart.get("rolebinding", "kapsa-access", home) or {}
            return bool((found.get("roleRef") or {}).get("name") == "pod-lister")

        wait_for("the other role is bound", is_bound)
        assert _may_jane(apart, "list", "pods", home)
        assert not _may_jane(apart, "get", "pods/log", home)
    finally:
        other.stop()
        guarded.start()


def test_quota_limits_and_pod_security_are_in_force(apart: Application) -> None:
    home = _home(apart, "production")

    def create(manifest: Manifest) -> str:
        try:
            text = json.dumps(manifest)
            apart.platform.kubectl("create", "--dry-run=server", "-f", "-", input=text)
        except LabError as error:
            return str(error)
        return ""

    def pod(**spec: Any) -> Manifest:
        container = {"name": "one", "image": "one", **spec}
        metadata = {"name": "one", "namespace": home}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": [container]},
        }

    assert 'violates PodSecurity "restricted:latest"' in create(pod())
    safe = {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    }
    large = {"resources": {"limits": {"memory": "2Gi"}}}
    assert "maximum memory usage per Container is 1Gi" in create(pod(**safe, **large))
    assert create(pod(**safe, resources={"limits": {"memory": "1Gi"}})) == ""

    for number in range(3):
        metadata = {"name": f"map-{number}", "namespace": home}
        refused = ""
        try:
            apart.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        except LabError as error:
            refused = str(error)
        if refused:
            break
    # One of the three is Kubernetes' own, with the certificates of the API server.
    assert "exceeded quota: kapsa" in refused


def test_a_strangers_namespace_keeps_one_preview_from_coming_and_no_other(
    apart: Application,
) -> None:
    shas = {branch: apart.commit(branch) for branch in ("first", "second")}
    number = apart.open_pull_request("first")
    apart.wait_until_running(f"pr-{number}", shas["first"])
    wanted = _home(apart, f"pr-{number + 1}")
    apart.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": wanted}})
    try:
        before = apart.get("namespace", wanted, "")
        assert apart.open_pull_request("second") == number + 1
        said = apart.wait_for_condition("Ready", "NamespaceConflict")
        assert wanted in said["message"]
        project = apart.get("project", apart.name) or {}
        told = {item["pr"]: item for item in project["status"]["candidates"] if item["pr"]}
        assert told[number + 1]["reason"] == "NamespaceConflict"
        assert told[number + 1]["decision"] == "Skipped"
        assert told[number]["decision"] == "Previewed"
        assert apart.get("namespace", wanted, "") == before
        apart.wait_until_running("production", apart.commit("main"))
    finally:
        apart.delete("namespace", wanted)
    apart.request()
    apart.wait_until_running(f"pr-{number + 1}", shas["second"])


def test_a_namespace_that_is_held_makes_nobody_spin(
    guarded: OperatorProcess, apart: Application
) -> None:
    sha, number = _preview(apart)
    preview = apart.wait_until_running(f"pr-{number}", sha)["metadata"]
    home, claims = preview["namespace"], f"kapsa-project.io/owner-uid={preview['uid']}"
    held = {"name": "held", "namespace": home, "finalizers": ["example.com/hold"]}
    apart.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    apart.delete("namespace", home, wait=False)
    wait_for("the preview waits", lambda: _reason(apart) == "NamespaceTerminating")
    wait_for("its host is free", lambda: not apart.list("leases", labelSelector=claims))

    offset = apart.platform.audit_log.stat().st_size
    lines = len(guarded.log_file.read_text().splitlines())
    until = polls(guarded) + 4
    wait_for("it is polled", lambda: polls(guarded) >= until)
    mine = [write for write in operator_writes(apart.platform.audit_log, offset) if home in write]
    assert mine == []
    logged = guarded.log_file.read_text().splitlines()[lines:]
    assert [line for line in logged if home in line] == []

    patch = json.dumps({"metadata": {"finalizers": None}})
    apart.platform.kubectl("patch", "configmap", "held", "-n", home, "--type=merge", "-p", patch)
    apart.wait_until_running(f"pr-{number}", sha)


def _reason(app: Application) -> str:
    conditions = (app.get("project", app.name) or {})["status"]["conditions"]
    return str(next(item["reason"] for item in conditions if item["type"] == "Ready"))


def test_a_restart_writes_nothing_into_the_namespaces(
    guarded: OperatorProcess, apart: Application
) -> None:
    wait_for("all is said", lambda: _reason(apart) == "EnvironmentsReady")
    offset = apart.platform.audit_log.stat().st_size
    guarded.stop()
    guarded.start()
    until = polls(guarded) + 2
    wait_for("it is polled", lambda: polls(guarded) >= until)
    home = _home(apart, "production")
    written = operator_writes(apart.platform.audit_log, offset)
    assert [write for write in written if home in write] == []


def test_a_shared_namespace_gets_a_service_account_and_nothing_else(
    guarded: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    app.apply(_project(app, isolation="Shared"))
    app.wait_until_running("production", sha)
    kinds: Callable[[str], list[Manifest]] = lambda kind: [  # noqa: E731
        item
        for item in app.list(f"{kind}s" if kind != "networkpolicy" else "networkpolicies")
        if item["metadata"]["namespace"] == app.namespace
        and item["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "kapsa"
    ]
    assert [kind for kind in _FURNISHINGS if kinds(kind)] == ["serviceaccount"]
    app.delete("project", app.name)
    gone = lambda: app.get("serviceaccount", "kapsa-shop") is None  # noqa: E731
    wait_for("the ServiceAccount goes with the Project", gone)
