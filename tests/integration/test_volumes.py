"""Volumes outlive what they should outlive, and nothing else does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kapsa.core.manifests.persistent_volume_claim import volume_claim_name
from lab.operator import OperatorProcess
from lab.platform import Platform
from lab.scenario import (
    Application,
    Manifest,
    condition,
    is_ready,
    lone_environment,
    wait_for,
)
from tests.integration.audit import operator_writes
from tests.integration.disks import EMPTY_CLASS, VOLUME_CLASS, disks

_CHILDREN = "deployments,services,replicasets,pods"


@pytest.fixture(scope="module", autouse=True)
def storage(admin: Platform) -> Iterator[None]:
    """Disks, and a StorageClass without any."""
    with disks(admin):
        yield


@pytest.fixture
def image(app: Application) -> str:
    return f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"


def _volume(name: str = "data", **more: Any) -> Manifest:
    return {"name": name, "mountPath": f"/{name}", **more}


def _apply(app: Application, image: str, *volumes: Manifest, **spec: Any) -> None:
    runtime = {"volumes": list(volumes)} if volumes else {}
    app.apply(lone_environment("web", app.namespace, image=image, runtime=runtime, **spec))


def _run(app: Application, image: str, *volumes: Manifest) -> Manifest:
    """Apply the Environment `web` with those volumes, and wait until it is as it should be."""
    _apply(app, image, *volumes)

    def ready() -> Manifest | None:
        found = app.get("environment", "web")
        return found if is_ready(found) else None

    return wait_for("web is ready", ready)


def _claim(app: Application, volume: str = "data") -> Manifest | None:
    return app.get("persistentvolumeclaim", volume_claim_name("web", volume))


def _there(app: Application, volume: str = "data") -> Manifest:
    found = _claim(app, volume)
    assert found is not None
    assert "deletionTimestamp" not in found["metadata"]
    return found


def _identity(claim: Manifest) -> tuple[str, str]:
    return claim["metadata"]["uid"], claim["spec"]["volumeName"]


def _is_owned(claim: Manifest | None) -> bool:
    return bool((claim or {"metadata": {}})["metadata"].get("ownerReferences"))


def _delete(app: Application) -> None:
    """Delete the Environment, and return once what goes with it is gone."""
    app.delete("environment", "web")
    selector = "kapsa-project.io/environment=web"
    where = f"metadata.namespace={app.namespace}"

    def is_gone() -> bool:
        left = app.list(_CHILDREN, labelSelector=selector, fieldSelector=where)
        return not [item for item in left if item["metadata"]["namespace"] == app.namespace]

    wait_for("what goes with it is gone", is_gone)


def _waits(app: Application, reason: str) -> str:
    """Wait until Ready has that reason; return what it says."""

    def said() -> Manifest | None:
        found = condition(app.get("environment", "web"), "Ready")
        return found if found.get("reason") == reason else None

    return str(wait_for(f"Ready says {reason}", said)["message"])


def _strategy(app: Application) -> Manifest:
    return dict((app.get("deployment", "web") or {})["spec"]["strategy"])


def test_a_retained_volume_outlives_its_environment_and_is_attached_again(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    volumes = (_volume(retain=True), _volume("cache"))
    first = _run(app, image, *volumes)
    before = _there(app)
    assert _is_owned(_claim(app, "cache"))
    assert not _is_owned(before)

    _delete(app)
    wait_for("the other volume is gone", lambda: _claim(app, "cache") is None)
    assert _there(app)["metadata"]["resourceVersion"]

    second = _run(app, image, *volumes)
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert _identity(_there(app)) == _identity(before)
    assert _there(app)["metadata"] == before["metadata"]
    pod = (app.get("deployment", "web") or {})["spec"]["template"]["spec"]
    claimed = [item["persistentVolumeClaim"]["claimName"] for item in pod["volumes"]]
    assert claimed == [volume_claim_name("web", name) for name in ("data", "cache")]
    ready = {item["name"]: item["ready"] for item in second["status"]["resources"]}
    assert all(ready[name] for name in claimed)

    offset = app.platform.audit_log.stat().st_size
    app.annotate("environment", "web", app.namespace, requestedAt="again")

    def handled() -> bool:
        status = (app.get("environment", "web") or {})["status"]
        return bool(status.get("lastHandledRequestedAt") == "again")

    wait_for("it was looked at", handled)
    mine = [item for item in operator_writes(app.platform.audit_log, offset) if "/web" in item]
    assert mine == [f"patch environments/status {app.namespace}/web"]


def test_retain_is_switched_on_later_whatever_else_there_is_and_off_again(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, image, _volume())
    before = _there(app)
    app.platform.kubectl(
        "patch", "environment", "web", "-n", app.namespace, "--type=merge", "-p",
        json.dumps({"spec": {"image": None, "runtime": {"volumes": [_volume(retain=True)]}}}),
    )  # fmt: skip
    wait_for("its claim has no owner", lambda: not _is_owned(_claim(app)))
    assert _waits(app, "ImagePending")
    _delete(app)
    assert _identity(_there(app)) == _identity(before)

    _run(app, image, _volume())
    wait_for("its claim has an owner again", lambda: _is_owned(_claim(app)))
    assert _identity(_there(app)) == _identity(before)
    labels = _there(app)["metadata"]["labels"]
    assert "kapsa-project.io/retain" not in labels
    _delete(app)
    wait_for("the claim went with it", lambda: _claim(app) is None)


def test_a_volume_grows_and_refuses_to_shrink_or_to_move(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, image, _volume(size="2Gi", storageClassName=VOLUME_CLASS))
    before = _there(app)
    for wrong, field in (
        ({"size": "1Gi", "storageClassName": VOLUME_CLASS}, "size is 1Gi"),
        ({"size": "2Gi", "storageClassName": EMPTY_CLASS}, "storageClassName is other"),
    ):
        _apply(app, image, _volume(**wrong))
        said = _waits(app, "VolumeImmutable")
        assert field in said
        assert before["metadata"]["name"] in said
        assert app.get("deployment", "web") is not None
        assert _there(app)["spec"] == before["spec"]
        _run(app, image, _volume(size="2Gi", storageClassName=VOLUME_CLASS))

    # Who leaves the class and the size out keeps what there is.
    _run(app, image, _volume())
    assert _there(app)["spec"] == before["spec"]
    _run(app, image, _volume(size="3Gi"))
    grown = _there(app)["spec"]
    assert grown["resources"]["requests"]["storage"] == "3Gi"
    assert grown["storageClassName"] == VOLUME_CLASS


def test_the_pods_of_a_volume_end_before_the_next_ones_start(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    _run(app, image)
    assert _strategy(app)["type"] == "RollingUpdate"
    app.platform.kubectl("scale", "deployment/web", "-n", app.namespace, "--replicas=3")
    _run(app, image, _volume())
    assert _strategy(app) == {"type": "Recreate"}
    deployment = app.get("deployment", "web") or {}
    assert deployment["spec"]["replicas"] == 1
    security = deployment["spec"]["template"]["spec"]["securityContext"]
    assert security["fsGroup"] == 10001

    _run(app, image)
    assert _strategy(app)["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    wait_for("the volume that left the spec is gone", lambda: _claim(app) is None)


def test_a_strangers_claim_is_left_alone(
    shared_operator: OperatorProcess, app: Application, image: str
) -> None:
    name = volume_claim_name("web", "data")
    stranger = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": app.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": EMPTY_CLASS,
        },
    }
    app.apply(stranger)
    before = app.get("persistentvolumeclaim", name)
    _apply(app, image, _volume(retain=True))
    assert name in _waits(app, "NameConflict")
    assert app.get("persistentvolumeclaim", name) == before
    assert app.get("deployment", "web") is None


def test_a_made_namespace_that_holds_a_retained_volume_is_emptied_and_not_deleted(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    project = app.project(runtime={"volumes": [_volume(retain=True), _volume("cache")]})
    app.apply(project)
    environment = app.wait_until_running("production", sha)
    name, made = environment["metadata"]["name"], environment["metadata"]["namespace"]
    kept = volume_claim_name(name, "data")
    before = app.get("persistentvolumeclaim", kept, made) or {}

    app.delete("project", app.name)

    def left() -> list[str]:
        kinds = f"environments,persistentvolumeclaims,{_CHILDREN}"
        found = app.list(kinds, labelSelector="app.kubernetes.io/managed-by=kapsa")
        return [item["metadata"]["name"] for item in found if item["metadata"]["namespace"] == made]

    wait_for("nothing but the retained volume is left", lambda: left() == [kept])
    namespace = app.get("namespace", made, "") or {}
    assert namespace["status"]["phase"] == "Active"

    app.apply(project)
    again = app.wait_until_running("production", sha)
    assert again["metadata"]["namespace"] == made
    assert _identity(app.get("persistentvolumeclaim", kept, made) or {}) == _identity(before)
