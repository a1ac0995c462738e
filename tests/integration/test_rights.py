"""What the operator may do: what its rules say, all of which it needs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import yaml

import lab
from lab.certificates import create_self_signed_issuer
from lab.kpack import install_kpack
from lab.operator import NAMESPACE, PROJECT_ROOT, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.building import REGISTRY, builds_registry, kpack_builds_of
from tests.integration.conftest import QUICK
from tests.integration.disks import disks
from tests.integration.owned import Objects

_BOUNDS: Final = {
    "KAPSA_RESOURCE_QUOTA": json.dumps({"pods": "50"}),
    "KAPSA_LIMIT_RANGE": json.dumps({"max": {"memory": "4Gi"}}),
}
_EVERYTHING: Final = {
    "release": {"command": ["./migrate"]},
    "configRefs": [{"name": "config"}],
    "secretRefs": [{"name": "keys"}],
    "volumes": [{"name": "data", "mountPath": "/data"}],
    "processes": [
        {"name": "api", "kind": "web", "replicas": 2},
        {"name": "nightly", "kind": "cron", "schedule": "0 3 1 1 *"},
        {"name": "hello", "kind": "job"},
    ],
}


def _rules() -> dict[str, list[dict[str, list[str]]]]:
    text = (PROJECT_ROOT / "helm/kapsa/files/rbac.yaml").read_text(encoding="utf-8")
    rules: dict[str, list[dict[str, list[str]]]] = yaml.safe_load(text)
    return rules


def test_no_rule_has_a_wildcard_or_lets_the_operator_give_itself_rights() -> None:
    for rule in (rule for rules in _rules().values() for rule in rules):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not {"escalate", "impersonate"} & set(rule["verbs"])
        assert "bind" not in rule["verbs"] or rule["resourceNames"] == ["kapsa-developer"]


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


def _rights_used(event: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return what a write needs: an apply that makes an object needs two rights."""
    ref = event["objectRef"]
    resource = "/".join(filter(None, (ref["resource"], ref.get("subresource"))))
    created = event["verb"] == "patch" and event["responseStatus"]["code"] == 201
    verbs = {event["verb"], "create"} if created else {event["verb"]}
    return {(ref.get("apiGroup", ""), resource, verb) for verb in verbs}


def _is_refused(event: dict[str, Any]) -> bool:
    """Tell whether a right was missing.

    A namespace on its way out refuses what is new as well, and so does one whose quota nobody has
    counted yet.
    """
    answer = event["responseStatus"]
    passing = ("being terminated", "status unknown for quota")
    return answer["code"] == 403 and not any(
        words in answer.get("message", "") for words in passing
    )


@contextmanager
def _operating(admin: lab.Platform, bounds: dict[str, str]) -> Iterator[OperatorProcess]:
    operator = OperatorProcess(admin, QUICK | bounds, name="rights")
    operator.start()
    try:
        yield operator
    finally:
        operator.stop()


def test_each_right_to_write_is_used_in_the_story_and_none_is_missing(
    admin: lab.Platform, app: Application
) -> None:
    offset = admin.audit_log.stat().st_size
    create_self_signed_issuer(admin, "story")
    install_kpack(admin)
    with disks(admin):
        with _operating(admin, _BOUNDS):
            made = _everything_comes(app)
            _builds_come(app)
            _labels_are_taken_off(app, made)
            app.apply(_pool(kind="Gateway", gatewayRef={"name": "public", "namespace": "gateways"}))
            for slug in ("production", "staging"):
                app.wait_for_condition("IngressReady", "RoutePending", slug=slug)
            _labels_are_taken_off(app, made)
        with _operating(admin, {}):
            _everything_goes(app, made)
    events = _writes(admin, offset)
    assert [event for event in events if _is_refused(event)] == []
    granted = {right for rules in _rules().values() for rule in rules for right in _rights(rule)}
    writing = {right for right in granted if right[2] in {"create", "update", "patch", "delete"}}
    assert {right for event in events for right in _rights_used(event)} == writing


def _everything_comes(app: Application) -> str:
    """Have the operator make an object of each kind; return the namespace that it made."""
    main, head = app.commit("main"), app.commit("feature/login")
    app.apply(*builds_registry(app.platform), _pool(), *_sources(app), _project(app, _EVERYTHING))
    production = app.wait_until_running("production", main, within=90)
    number = app.open_pull_request("feature/login")
    app.wait_until_running(f"pr-{number}", head, within=60)
    app.close_pull_request(number)
    app.wait_until_gone(f"pr-{number}")
    return str(production["metadata"]["namespace"])


def _builds_come(app: Application) -> None:
    """Have builds by kpack begin; what comes of them is as before."""
    app.apply(*(_built_project(app, kind) for kind in _BUILDERS))
    wait_for("kpack has them", lambda: all(_builds(app)))


def _builds_go(app: Application) -> None:
    for kind in _BUILDERS:
        app.delete("project", kind.lower())
    wait_for("the builds are gone", lambda: not any(_builds(app)))


def _builds(app: Application) -> list[list[Manifest]]:
    return [kpack_builds_of(app, kind, kind.lower()) for kind in _BUILDERS]


def _built_project(app: Application, kind: str) -> Manifest:
    """Return a Project whose images kpack makes with a Build, or with an Image."""
    project = app.project(
        build={"strategy": "buildpack", "builder": _BUILDERS[kind]}, registry={"name": REGISTRY}
    )
    return {**project, "metadata": {**project["metadata"], "name": kind.lower()}}


_BUILDERS: Final[dict[str, Manifest]] = {
    "Build": {"image": "docker.io/paketobuildpacks/builder-jammy-full"},
    "Image": {"kind": "ClusterBuilder", "name": "base"},
}
"""The builders of Projects, by the kind that kpack builds with."""


def _labels_are_taken_off(app: Application, made: str) -> None:
    """Take a label off all that the operator made, and wait until it is back."""
    label = "kapsa-project.io/project"
    with Objects(app.platform.api_server, made) as objects:
        _label_is_taken_off(app, made, label, objects)


def _label_is_taken_off(app: Application, made: str, label: str, objects: Objects) -> None:
    labelled = {key for key, item in objects.found().items() if label in item["metadata"]["labels"]}
    app.platform.kubectl("label", "namespace", made, f"{label}-")
    for kind, _, name in labelled:
        app.platform.kubectl("label", kind, name, "-n", made, f"{label}-")
    wait_for("the labels are back", lambda: labelled <= objects.found(label).keys())

    def is_labelled() -> bool:
        return label in (app.get("namespace", made, "") or {})["metadata"]["labels"]

    wait_for("that of the namespace too", is_labelled)


def _everything_goes(app: Application, made: str) -> None:
    """Take away what was asked for, and then the Project."""
    _builds_go(app)
    app.apply(_pool(), _project(app, {}, access=[]))
    app.wait_for_condition("IngressReady", "IngressReady", slug="production", within=60)
    app.apply(_pool(certificates=False), _project(app, {}, access=[], domain=None))
    left = {"Deployment", "Service", "ServiceAccount", "NetworkPolicy"}
    with Objects(app.platform.api_server, made) as objects:
        wait_for("the rest is gone", lambda: {kind for kind, *_ in objects.found()} == left)
    app.delete("registry", REGISTRY)
    app.delete("domainpool", "story")
    app.delete("project", app.name)
    wait_for(
        "the made namespace is gone", lambda: app.get("namespace", made, "") is None, within=60
    )


def _project(app: Application, runtime: Manifest, **spec: Any) -> Manifest:
    environments: list[Manifest] = [
        {"name": "production", "branch": "main", "runtime": runtime},
        {"name": "staging", "branch": "main"},
    ]
    if runtime:
        environments[1]["runtime"] = {"autoscaling": {"enabled": True}}
    said = {
        "domain": {"domainPoolRef": {"name": "story"}},
        "access": [{"kind": "Group", "name": "team"}],
        "environments": environments,
    }
    return app.project(**(said | spec))


def _sources(app: Application) -> tuple[Manifest, ...]:
    """Return what a configRef and a secretRef name."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"A": "a"}}
    keys = {"apiVersion": "v1", "kind": "Secret", "stringData": {"B": "b"}}
    return (
        {**config, "metadata": {"name": "config", "namespace": app.namespace}},
        {**keys, "metadata": {"name": "keys", "namespace": app.namespace}},
    )


def _pool(*, certificates: bool = True, **routing: Any) -> Manifest:
    """Return the story's DomainPool."""
    spec: Manifest = {"baseDomains": ["story.localhost"], "routing": routing or {"kind": "Ingress"}}
    if certificates and not routing:
        spec["certManager"] = {"issuerRef": {"name": "story"}, "mode": "perHost"}
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": "story"},
        "spec": spec,
    }
