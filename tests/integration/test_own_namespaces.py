"""The namespace of `kapsa preview create --own-namespace` is guarded as those of Projects are."""

import json
from collections.abc import Iterator

import pytest

import lab
from kapsa.cli.previews.objects import own_namespace_name
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.audit import operator_writes
from tests.integration.conftest import QUICK
from tests.integration.test_standalone import Ci

_RULES = {
    "KAPSA_RESOURCE_QUOTA": json.dumps({"pods": "5"}),
    "KAPSA_LIMIT_RANGE": json.dumps({"max": {"memory": "1Gi"}}),
}
_SOON = 20.0
_POOL = {
    "apiVersion": "kapsa-project.io/v1alpha1",
    "kind": "DomainPool",
    "metadata": {"name": "guarded"},
    "spec": {
        "baseDomains": ["guarded.localhost"],
        "routing": {"routerNamespace": "ingress-nginx"},
    },
}


@pytest.fixture(scope="module", autouse=True)
def operator(admin: lab.Platform) -> Iterator[OperatorProcess]:
    """A running operator whose admin bounds what is in made namespaces."""
    process = OperatorProcess(admin, QUICK | _RULES, name="own-namespaces")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def guarded_pool(app: Application) -> Iterator[str]:
    """A DomainPool that says where its router is."""
    app.apply(_POOL)
    yield "guarded"
    app.delete("domainpool", "guarded", "")


def _guards(name: str) -> dict[str, str]:
    return {
        "serviceaccount": f"kapsa-{name}",
        "networkpolicy": "kapsa",
        "resourcequota": "kapsa",
        "limitrange": "kapsa",
    }


def _live(app: Application, name: str, namespace: str) -> dict[str, Manifest]:
    found = {kind: app.get(kind, called, namespace) for kind, called in _guards(name).items()}
    return {kind: live for kind, live in found.items() if live is not None}


def _writes_in(app: Application, offset: int, namespace: str) -> list[str]:
    """Return what the operator has written in a namespace since, but for statuses and events."""
    written = operator_writes(app.platform.audit_log, offset)
    mine = [write for write in written if write.split()[-1].startswith(f"{namespace}/")]
    return [write for write in mine if "status" not in write and "events" not in write]


def test_its_guards_are_there_before_its_pods_are_put_right_and_go_with_it(
    app: Application, guarded_pool: str
) -> None:
    ci, name = Ci(app), f"guarded-{app.namespace}"
    own, image = own_namespace_name(name, "default"), ci.image("one")
    offset = app.platform.audit_log.stat().st_size
    create = ("create", name, "--image", image, "--own-namespace", "--wait")
    ci.ok(*create, "--domain-pool", guarded_pool)

    kinds = [write.split()[1] for write in _writes_in(app, offset, own)]
    assert kinds[:4] == ["serviceaccounts", "networkpolicies", "resourcequotas", "limitranges"]
    # Each once, although the namespace was tied to it only after it was made.
    assert len(kinds) == len(set(kinds))

    live = _live(app, name, own)
    assert live["resourcequota"]["spec"]["hard"] == {"pods": "5"}
    assert live["limitrange"]["spec"]["limits"][0]["max"] == {"memory": "1Gi"}
    assert live["serviceaccount"]["automountServiceAccountToken"] is False
    (rule,) = live["networkpolicy"]["spec"]["ingress"]
    assert [sorted(peer) for peer in rule["from"]] == [["podSelector"], ["namespaceSelector"]]
    assert "ingress-nginx" in json.dumps(rule["from"][1])
    deployment = app.get("deployment", name, own) or {}
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == f"kapsa-{name}"

    for kind, called in _guards(name).items():
        app.delete(kind, called, own)
    wait_for("all are back", lambda: _live(app, name, own).keys() == live.keys(), within=_SOON)

    ci.ok("delete", name, "--wait")
    assert app.get("namespace", own, "") is None


def test_a_tenant_who_writes_what_such_a_namespace_says_elsewhere_gets_nothing(
    app: Application,
) -> None:
    ci, name = Ci(app), f"tenant-{app.namespace}"
    ci.create(name, ci.image("one"), "--wait")
    assert _live(app, name, app.namespace) == {}
    # It says so in words that only who may write namespaces could make true.
    owner = {"kapsa-project.io/owner": f"Environment/{app.namespace}/{name}"}
    labels = {"app.kubernetes.io/managed-by": "kapsa"}
    app.platform.kubectl(
        "patch", "environment", name, "-n", app.namespace, "--type=merge",
        "-p", json.dumps({"metadata": {"annotations": owner, "labels": labels}}),
    )  # fmt: skip
    app.annotate("environment", name, app.namespace, requestedAt="now")
    wait_for(
        "it was looked at",
        lambda: (app.get("environment", name) or {})["status"].get("lastHandledRequestedAt"),
    )
    assert _live(app, name, app.namespace) == {}
