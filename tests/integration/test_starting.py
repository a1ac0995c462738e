"""How the operator starts, shows that it lives, ends, and hands over; and what it may do."""

import json
import sys
import time
from typing import Any

import pytest
import yaml

import lab
from lab.httpclient import request
from lab.operator import NAMESPACE, PROJECT_ROOT, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.conftest import QUICK, metric

_LEASE_DURATION = 6
_SHORT_LEASE = {
    "KAPSA_LEASE_DURATION": str(_LEASE_DURATION),
    "KAPSA_RENEW_DEADLINE": "4",
    "KAPSA_RENEW_INTERVAL": "1",
}
_COMMANDS = {
    "kapsa run": (sys.executable, "-m", "kapsa", "run"),
    "kopf run": (sys.executable, "-m", "kopf", "run", "--all-namespaces", "src/kapsa/main.py"),
}
_METRICS = {
    "kapsa_projects_total",
    "kapsa_project_reconcile_total",
    "kapsa_project_reconcile_duration_seconds",
    "kapsa_environments_total",
    "kapsa_git_poll_total",
}
"""Those of the names that dashboards expect for which there is something to count yet."""


def _lease_holder(platform: lab.Platform) -> str:
    get = ("get", "lease", "kapsa-operator", "-n", NAMESPACE)
    return platform.kubectl(*get, "-o", "jsonpath={.spec.holderIdentity}")


def _get(operator: OperatorProcess, path: str) -> tuple[int, str]:
    answer = request("GET", operator.address + path)
    return answer.status, answer.body.decode()


@pytest.mark.parametrize("command", _COMMANDS.values(), ids=_COMMANDS)
def test_it_starts_works_answers_and_ends_in_seconds_with_its_lease_given_back(
    admin: lab.Platform, app: Application, command: tuple[str, ...]
) -> None:
    sha = app.commit("main")
    operator = OperatorProcess(admin, QUICK, name="starting", command=command)
    operator.start()
    try:
        app.apply(app.project())
        app.wait_until_running("production", sha)
        assert _get(operator, "/healthz") == (200, "ok\n")
        assert _get(operator, "/readyz") == (200, "ok\n")
        status, text = _get(operator, "/metrics")
        assert status == 200
        shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        assert shown >= _METRICS
        wait_for("it says that it is elected", lambda: metric(operator, "kapsa_leader") == 1)
        assert _lease_holder(admin)
        began = time.monotonic()
    finally:
        code = operator.stop()
    assert code == 0
    assert time.monotonic() - began < 8
    assert _lease_holder(admin) == ""


def test_a_standby_answers_and_takes_over_within_the_leases_duration_after_a_crash(
    admin: lab.Platform, app: Application
) -> None:
    first = OperatorProcess(admin, QUICK | _SHORT_LEASE, name="first")
    second = OperatorProcess(admin, QUICK | _SHORT_LEASE, name="second")
    try:
        first.start()
        wait_for("the first is elected", lambda: metric(first, "kapsa_leader") == 1)
        second.start()
        assert _get(second, "/healthz") == (200, "ok\n")
        assert metric(second, "kapsa_leader") == 0
        holder = _lease_holder(admin)

        sha = app.commit("main")
        app.apply(app.project())
        app.wait_until_running("production", sha)
        assert metric(second, "kapsa_git_poll_total") == 0

        first.kill()
        within = _LEASE_DURATION + 3
        wait_for("the second takes over", lambda: _lease_holder(admin) != holder, within)
        app.wait_until_running("production", app.commit("main"))
    finally:
        first.stop()
        second.stop()


def test_a_lease_that_is_given_back_is_taken_at_once(admin: lab.Platform, app: Application) -> None:
    first = OperatorProcess(admin, QUICK, name="first")
    second = OperatorProcess(admin, QUICK, name="second")
    try:
        first.start()
        second.start()
        wait_for("the first is elected", lambda: metric(first, "kapsa_leader") == 1)
        holder = _lease_holder(admin)
        first.stop()
        wait_for(
            "the second takes over", lambda: _lease_holder(admin) not in {"", holder}, within=5
        )
    finally:
        first.stop()
        second.stop()


def _rules() -> dict[str, list[dict[str, list[str]]]]:
    text = (PROJECT_ROOT / "helm/kapsa/files/rbac.yaml").read_text(encoding="utf-8")
    rules: dict[str, list[dict[str, list[str]]]] = yaml.safe_load(text)
    return rules


def test_no_rule_has_a_wildcard_or_lets_the_operator_give_itself_rights() -> None:
    for rule in (rule for rules in _rules().values() for rule in rules):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not {"escalate", "impersonate", "bind"} & set(rule["verbs"])


@pytest.mark.parametrize(
    ("namespace", "keys"),
    [(NAMESPACE, ("clusterRules", "namespaceRules")), ("default", ("clusterRules",))],
)
def test_the_operator_may_do_what_its_rules_say_and_nothing_else(
    admin: lab.Platform, namespace: str, keys: tuple[str, ...]
) -> None:
    granted = {right for key in keys for rule in _rules()[key] for right in _rights(rule)}
    assert _may(admin, namespace) == granted


def _rights(rule: dict[str, list[str]]) -> set[tuple[str, str, str]]:
    """Return group, resource and verb of all that a rule grants."""
    return {
        (group, resource, verb)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _may(platform: lab.Platform, namespace: str) -> set[tuple[str, str, str]]:
    """Return what the API server lets the operator do in a namespace, beyond what anybody may."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    identity = (
        f"--as=system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}",
        "--as-group=system:serviceaccounts",
        "--as-group=system:authenticated",
    )
    create = ("create", "--raw=/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "-f", "-")
    answer = json.loads(platform.kubectl(*create, *identity, input=json.dumps(review)))
    found = {right for rule in answer["status"]["resourceRules"] for right in _rights(rule)}
    return {right for right in found if right[0] not in _FOR_ANYBODY}


_FOR_ANYBODY = {"authentication.k8s.io", "authorization.k8s.io"}
"""Groups in which anybody may ask who they are and what they may do."""


def _writes(platform: lab.Platform, offset: int) -> list[dict[str, Any]]:
    """Return the operator's writes as the audit log has them."""
    with platform.audit_log.open(encoding="utf-8") as log:
        log.seek(offset)
        events = [json.loads(line) for line in log if line.endswith("\n")]
    user = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
    return [event for event in events if event["user"]["username"] == user]


def _right_used(event: dict[str, Any]) -> tuple[str, str, str]:
    ref = event["objectRef"]
    resource = "/".join(filter(None, (ref["resource"], ref.get("subresource"))))
    created = event["verb"] == "patch" and event["responseStatus"]["code"] == 201
    return ref.get("apiGroup", ""), resource, "create" if created else event["verb"]


def test_each_right_to_write_is_used_in_the_story_and_none_is_missing(
    admin: lab.Platform, app: Application
) -> None:
    offset = admin.audit_log.stat().st_size
    operator = OperatorProcess(admin, QUICK, name="rights")
    operator.start()
    try:
        _tell_the_story(app)
    finally:
        operator.stop()
    events = _writes(admin, offset)
    refused = [event for event in events if event["responseStatus"]["code"] == 403]
    assert refused == []
    assert "orbidden" not in operator.log_file.read_text()
    granted = {right for rules in _rules().values() for rule in rules for right in _rights(rule)}
    writing = {right for right in granted if right[2] in {"create", "update", "patch", "delete"}}
    assert {_right_used(event) for event in events} == writing


def _tell_the_story(app: Application) -> None:
    main, head = app.commit("main"), app.commit("feature/login")
    registry = {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "Registry",
        "metadata": {"name": "story"},
        "spec": {"endpoint": app.registry.host, "insecure": True},
    }
    domain = {"domainPoolRef": {"name": "story"}}
    app.apply(
        registry, _pool(), app.project(domain=domain, runtime={"autoscaling": {"enabled": True}})
    )
    production = app.wait_until_running("production", main)
    app.platform.kubectl(
        "label", "namespace", production["metadata"]["namespace"], "kapsa-project.io/project-"
    )
    number = app.open_pull_request("feature/login")
    app.wait_until_running(f"pr-{number}", head)
    app.wait_until_running("production", app.commit("main"))
    app.close_pull_request(number)
    app.wait_until_gone(f"pr-{number}")
    app.apply(_pool(kind="Gateway", gatewayRef={"name": "public", "namespace": "gateways"}))
    app.wait_for_condition("IngressReady", "RoutePending", slug="production")
    app.wait_until_running("production", app.commit("main"))
    _leave_something_over(app, production)
    app.apply(app.project(domain=None))
    made = production["metadata"]["namespace"]
    for kind in ("ingress", "httproute", "horizontalpodautoscaler", "deployment", "service"):
        selector = ("-n", made, "-l", "app.kubernetes.io/managed-by=kapsa", "-o", "name")
        most = 1 if kind in {"deployment", "service"} else 0

        def look(kind: str = kind, most: int = most, selector: tuple[str, ...] = selector) -> bool:
            return len(app.platform.kubectl("get", kind, *selector).split()) == most

        wait_for(f"no {kind} is left over", look)
    app.delete("registry", "story")
    app.delete("domainpool", "story")
    app.delete("project", app.name)
    wait_for("the made namespace is gone", lambda: app.get("namespace", made, "") is None)


def _pool(**routing: Any) -> Manifest:
    """Return the story's DomainPool."""
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": "story"},
        "spec": {"baseDomains": ["story.localhost"], "routing": routing or {"kind": "Ingress"}},
    }


def _leave_something_over(app: Application, environment: Manifest) -> None:
    """Make a Deployment and a Service such as an Environment with more processes leaves behind."""
    meta = environment["metadata"]
    owner = {
        "apiVersion": environment["apiVersion"],
        "kind": environment["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }
    metadata = {
        "name": f"{meta['name']}-worker",
        "namespace": meta["namespace"],
        "labels": {"app.kubernetes.io/managed-by": "kapsa"},
        "ownerReferences": [owner],
    }
    labels = {"app": "worker"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "worker", "image": "worker"}]},
    }
    deployment = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 80}]}
    app.apply(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    )
