"""ConfigMaps and Secrets of a Project reach the pods, stay in step, and show nowhere else."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from kapsa.core.workloads.configuration import copy_name
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, is_ready, lone_environment, wait_for

_MINUTE = 60.0
_FIRST, _SECOND, _EDITED = "canary-the-first", "canary-the-second", "canary-of-somebody"
_REFS: dict[str, Any] = {
    "configRefs": [{"name": "shop-config"}],
    "secretRefs": [
        {"name": "shop-secrets"},
        {"name": "shop-files", "mountPath": "/etc/shop"},
    ],
}


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _source(app: Application, kind: str, name: str, value: str) -> Manifest:
    field = "data" if kind == "ConfigMap" else "stringData"
    metadata = {"name": name, "namespace": app.namespace}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, field: {"TEXT": value}}


def _sources(app: Application, secret: str) -> tuple[Manifest, ...]:
    return (
        _source(app, "ConfigMap", "shop-config", "blue"),
        _source(app, "Secret", "shop-secrets", secret),
        _source(app, "Secret", "shop-files", secret),
    )


def _production(app: Application) -> Manifest:
    """Return the Project's Environment, once there is one."""
    return wait_for("there is an Environment", lambda: app.environment("production"))


def _copy(app: Application, source: str, kind: str = "secret") -> Manifest | None:
    meta = _production(app)["metadata"]
    return app.get(kind, copy_name(meta["name"], source), meta["namespace"])


def _value(app: Application, source: str) -> str:
    return str(((_copy(app, source) or {}).get("data") or {}).get("TEXT"))


def _template(app: Application, name: str, namespace: str) -> Any:
    return (app.get("deployment", name, namespace) or {})["spec"]["template"]


def _digest(app: Application, name: str, namespace: str) -> str:
    annotations = _template(app, name, namespace)["metadata"]["annotations"]
    return str(annotations["kapsa-project.io/config"])


def _pods_with(app: Application, environment: str, digest: str) -> bool:
    """Tell whether the running pods of an Environment are those that got the content since."""
    pods = app.list("pods", labelSelector=f"kapsa-project.io/environment={environment}")
    mine = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    found = {pod["metadata"]["annotations"].get("kapsa-project.io/config") for pod in mine}
    return found == {digest}


def _told(app: Application, operator: OperatorProcess) -> Iterator[tuple[str, str]]:
    """Yield all that anybody can see who may read no Secret, and where."""
    yield "log", operator.log_file.read_text(encoding="utf-8")
    kinds = "projects,environments,deployments,replicasets,pods,services,configmaps,events"
    for item in app.list(kinds):
        yield f"{item['kind']} {item['metadata']['name']}", json.dumps(item)
    for item in app.list("secrets", labelSelector="app.kubernetes.io/managed-by=kapsa"):
        metadata = dict(item["metadata"])
        # Of each field, that says the names and no values.
        yield f"metadata of {item['metadata']['name']}", json.dumps(metadata)


def test_configuration_reaches_the_pods_and_stays_in_step(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    image = f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"
    app.apply(*_sources(app, _FIRST), app.project(runtime=_REFS))
    app.apply(lone_environment("alone", app.namespace, image=image, runtime=_REFS))
    production = app.wait_until_running("production", sha)
    wait_for("the other one is ready", lambda: is_ready(app.get("environment", "alone")))
    name, made = production["metadata"]["name"], production["metadata"]["namespace"]
    assert made != app.namespace

    # A copy where the pods are not beside the source; the source itself where they are.
    copies = {source: copy_name(name, source) for source in ("shop-secrets", "shop-files")}
    assert _value(app, "shop-secrets") == _encoded(_FIRST)
    spec = _template(app, name, made)["spec"]
    assert spec["containers"][0]["envFrom"] == [
        {"configMapRef": {"name": copy_name(name, "shop-config")}},
        {"secretRef": {"name": copies["shop-secrets"]}},
    ]
    assert spec["volumes"][0]["secret"]["secretName"] == copies["shop-files"]
    beside = _template(app, "alone", app.namespace)["spec"]
    assert beside["containers"][0]["envFrom"][1] == {"secretRef": {"name": "shop-secrets"}}
    assert beside["volumes"][0]["secret"]["secretName"] == "shop-files"

    # An edited copy is put right.
    patch = json.dumps({"data": {"TEXT": _encoded(_EDITED)}})
    app.platform.kubectl(
        "patch", "secret", copies["shop-secrets"], "-n", made, "--type=merge", "-p", patch
    )
    wait_for("the copy is as it was", lambda: _value(app, "shop-secrets") == _encoded(_FIRST))

    # A rotation reaches copy and pods of both.
    before = _digest(app, name, made), _digest(app, "alone", app.namespace)
    app.apply(*_sources(app, _SECOND))
    wait_for(
        "the copy has rotated", lambda: _value(app, "shop-secrets") == _encoded(_SECOND), _MINUTE
    )
    wait_for("the one rolls", lambda: _digest(app, name, made) != before[0])
    wait_for("so does the other", lambda: _digest(app, "alone", app.namespace) != before[1], 45)
    wait_for("it has new pods", lambda: _pods_with(app, name, _digest(app, name, made)))

    # What is unbound goes, and the source stays.
    app.apply(app.project(runtime={"secretRefs": _REFS["secretRefs"][:1]}))
    wait_for("files are unbound", lambda: _copy(app, "shop-files") is None)
    wait_for("variables are unbound", lambda: _copy(app, "shop-config", "configmap") is None)
    assert _copy(app, "shop-secrets") is not None
    assert app.get("secret", "shop-files") is not None

    told = list(_told(app, shared_operator))
    assert len(told) > 10
    for secret in (_FIRST, _SECOND, _EDITED):
        for form in (secret, _encoded(secret)):
            assert [where for where, text in told if form in text] == []


def test_what_is_missing_or_in_the_way_is_named_and_heals(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    refs = {"secretRefs": [{"name": "later"}]}
    app.apply(app.project(runtime=refs))

    found = app.wait_for_condition("ConfigurationReady", "SecretNotFound", slug="production")
    assert "spec.runtime.secretRefs[0].name names the Secret later" in found["message"]
    assert f"does not exist in namespace {app.namespace}; create it there" in found["message"]
    production = _production(app)
    name, made = production["metadata"]["name"], production["metadata"]["namespace"]
    app.wait_for_condition("Ready", "SecretNotFound", slug="production")
    assert app.get("deployment", name, made) is None

    # A stranger has the name of the copy.
    copy = copy_name(name, "later")
    metadata = {"name": copy, "namespace": made}
    app.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"A": "MQ=="}})
    app.apply(_source(app, "Secret", "later", _FIRST))
    found = app.wait_for_condition("Ready", "NameConflict", slug="production", within=45)
    assert copy in found["message"]
    stranger = app.get("secret", copy, made) or {}
    assert stranger["data"] == {"A": "MQ=="}
    assert "ownerReferences" not in stranger["metadata"]

    app.delete("secret", copy, made)
    app.wait_until_running("production", sha, within=45)
    assert _value(app, "later") == _encoded(_FIRST)
