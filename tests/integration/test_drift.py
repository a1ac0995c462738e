"""What is Kapsa's is put right within five seconds; what is not is left alone.

All of it is generated: every kind that Kapsa makes, with whatever field of it can be changed.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import lab
from lab.certificates import create_self_signed_issuer
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, application, lone_environment, wait_for
from tests.integration.audit import operator_writes
from tests.integration.conftest import QUICK
from tests.integration.owned import KINDS, Identity, Objects, changed, said
from tests.integration.test_gateways import POOL as GATEWAY_POOL

SOON = 5.0

_SETTINGS = {
    "KAPSA_RESOURCE_QUOTA": json.dumps({"pods": "50"}),
    "KAPSA_LIMIT_RANGE": json.dumps({"max": {"memory": "4Gi"}}),
}
_TLS_POOL = {
    "apiVersion": "kapsa-project.io/v1alpha1",
    "kind": "DomainPool",
    "metadata": {"name": "drift"},
    "spec": {
        "baseDomains": ["drift.localhost"],
        "certManager": {"issuerRef": {"name": "drift"}, "mode": "perHost"},
    },
}
_EVERYTHING = {
    "replicas": 0,
    "release": {"command": ["./migrate"]},
    "configRefs": [{"name": "config"}],
    "secretRefs": [{"name": "keys"}],
    "volumes": [
        {"name": "data", "mountPath": "/data"},
        {"name": "kept", "mountPath": "/kept", "retain": True},
    ],
    "processes": [
        {"name": "two", "kind": "web", "replicas": 2},
        {"name": "nightly", "kind": "cron", "schedule": "0 3 1 1 *"},
    ],
}
_REMEMBERED = "Job"
"""A run that has ended is told in the status, and nothing of it is written again."""


@pytest.fixture(scope="module")
def operator(admin: lab.Platform) -> Iterator[OperatorProcess]:
    """A running operator whose admin bounds what is in made namespaces."""
    process = OperatorProcess(admin, QUICK | _SETTINGS, name="test_drift")
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def app(admin: lab.Platform, operator: OperatorProcess) -> Iterator[Application]:
    """An application of which Kapsa has made an object of every kind."""
    with ExitStack() as stack:
        create_self_signed_issuer(admin, "drift")
        app = stack.enter_context(application(admin, "shop", "team-drift"))
        sha = app.commit("main")
        image = f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"
        app.apply(*app.team(), _TLS_POOL, GATEWAY_POOL)
        app.apply(*_sources(app), _project(app), _at_a_gateway(app, image))
        for slug in ("production", "staging"):
            app.wait_until_running(slug, sha, within=90)
        wait_for("routed is ready", lambda: app.get("deployment", "routed"))
        yield app
        namespaces = (app.namespace, _made(app))
        app.platform.kubectl("delete", "projects,environments", "--all", "-n", app.namespace)
        app.platform.kubectl("delete", "namespace", *namespaces, "--wait=false")
        app.platform.kubectl("delete", "domainpool", "drift", "gateway")


def _project(app: Application) -> Manifest:
    load = {"autoscaling": {"enabled": True, "minReplicas": 1}}
    return app.project(
        access=[{"kind": "Group", "name": "team-drift"}],
        domain={"domainPoolRef": {"name": "drift"}},
        environments=[
            {"name": "production", "branch": "main", "runtime": _EVERYTHING},
            {"name": "staging", "branch": "main", "runtime": load},
        ],
    )


def _at_a_gateway(app: Application, image: str) -> Manifest:
    domain = {"domainPoolRef": {"name": "gateway"}, "subdomain": "drift"}
    return lone_environment("routed", app.namespace, image=image, domain=domain)


def _sources(app: Application) -> tuple[Manifest, ...]:
    """Return what a configRef and a secretRef name."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"A": "a"}}
    keys = {"apiVersion": "v1", "kind": "Secret", "stringData": {"B": "b"}}
    return (
        {**config, "metadata": {"name": "config", "namespace": app.namespace}},
        {**keys, "metadata": {"name": "keys", "namespace": app.namespace}},
    )


def _made(app: Application) -> str:
    return str((app.environment("production") or {})["metadata"]["namespace"])


@pytest.fixture
def objects(app: Application) -> Iterator[Objects]:
    """What Kapsa has made of it, and of the Environment beside it."""
    with Objects(app.platform.api_server, _made(app), app.namespace) as found:
        yield found


def _put_right(objects: Objects, before: dict[Identity, Manifest]) -> None:
    """Wait until each object says again what Kapsa had said."""
    wrong = dict(before)

    def look() -> bool:
        for identity, item in list(wrong.items()):
            live = objects.get(item)
            is_there = live is not None and "deletionTimestamp" not in live["metadata"]
            if live is not None and is_there and said(live) == said(item):
                del wrong[identity]
        return not wrong

    try:
        wait_for("all is put right", look, SOON)
    except lab.LabError as error:
        raise AssertionError(_left_wrong(objects, wrong)) from error


def _left_wrong(objects: Objects, wrong: dict[Identity, Manifest]) -> str:
    lines = []
    for identity, item in wrong.items():
        live = objects.get(item)
        mine, theirs = said(item), said(live) if live else {}
        fields = [str(path) for path in mine if theirs.get(path) != mine[path]]
        lines.append(f"{identity}: {', '.join(fields) if live else 'is gone'}")
    return "\n".join(lines)


def test_an_object_of_every_kind_is_tried(objects: Objects) -> None:
    assert {kind for kind, _, _ in objects.found()} == {resource.kind for resource in KINDS}


def test_what_somebody_changes_is_put_right(objects: Objects) -> None:
    before = {key: item for key, item in objects.found().items() if key[0] != _REMEMBERED}
    for identity, item in before.items():
        tried = (objects.replace(other) for other in changed(item))
        accepted = next((live for live in tried if live and said(live) != said(item)), None)
        assert accepted is not None, identity
    _put_right(objects, before)


def test_what_somebody_deletes_is_made_anew(objects: Objects) -> None:
    before = {key: item for key, item in objects.found().items() if key[0] != _REMEMBERED}
    for item in before.values():
        objects.delete(item)
    _put_right(objects, before)


def test_the_labels_that_somebody_takes_off_are_put_back(objects: Objects) -> None:
    before = objects.found()
    for item in before.values():
        objects.patch(item, {"metadata": {"labels": None}})
    _put_right(objects, before)
    for item in before.values():
        live = objects.get(item)
        assert live is not None
        assert live["metadata"]["uid"] == item["metadata"]["uid"]


def test_what_is_not_kapsas_is_left_alone(app: Application, objects: Objects) -> None:
    before = objects.found()
    mine = {"example.com/mine": "yes"}
    for item in before.values():
        objects.patch(item, {"metadata": {"labels": mine, "annotations": mine}})
    offset = app.platform.audit_log.stat().st_size
    _look_again(app)
    for item in before.values():
        live = objects.get(item)
        assert live is not None
        assert said(live) == said(item)
        for part in ("labels", "annotations"):
            assert mine.items() <= live["metadata"][part].items()
    assert _changes_of(app, offset) == []


def test_what_is_suspended_is_left_alone(app: Application, objects: Objects) -> None:
    before = objects.found()
    _suspend(app, suspend=True)
    _look_again(app)
    gone = {key: item for key, item in before.items() if key[0] != _REMEMBERED}
    offset = app.platform.audit_log.stat().st_size
    for item in gone.values():
        objects.delete(item)
    _look_again(app)
    assert _changes_of(app, offset) == []
    assert not set(objects.found()) & set(gone)

    _suspend(app, suspend=False)
    _put_right(objects, gone)


def _changes_of(app: Application, offset: int) -> list[str]:
    """Return what the operator wrote of the application, but for its news."""
    return [
        line
        for line in operator_writes(app.platform.audit_log, offset)
        if ("drift" in line or _made(app) in line)
        and "/status" not in line
        and " events " not in line
    ]


def _suspend(app: Application, *, suspend: bool) -> None:
    patch = json.dumps({"spec": {"suspend": suspend}})
    for what in (("project", app.name), ("environment", "routed")):
        app.platform.kubectl("patch", *what, "-n", app.namespace, "--type=merge", "-p", patch)


def _look_again(app: Application) -> None:
    """Return once the operator has looked at the Project and at each Environment."""
    waiting: tuple[Callable[[], Manifest | None], ...] = (
        lambda: app.get("project", app.name),
        lambda: app.get("environment", "routed"),
        lambda: app.environment("production"),
        lambda: app.environment("staging"),
    )
    for number, look in enumerate(waiting):
        item = look() or {}
        asked = f"{item['metadata']['resourceVersion']}-{number}"
        meta = item["metadata"]
        app.annotate(item["kind"].lower(), meta["name"], meta["namespace"], requestedAt=asked)

        def handled(look: Callable[[], Manifest | None] = look, asked: str = asked) -> bool:
            status = (look() or {}).get("status") or {}
            return bool(status.get("lastHandledRequestedAt") == asked)

        wait_for("it was looked at", handled)
