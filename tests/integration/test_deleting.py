"""What is deleted goes with all that it left, whether the operator is there to see it or not."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from kapsa.core.labels import owner_uids
from lab.operator import NAMESPACE, SERVICE_ACCOUNT, OperatorProcess
from lab.scenario import Application, Manifest, lone_environment, wait_for
from tests.integration.api_proxy import ApiProxy, proxied, through
from tests.integration.audit import operator_writes
from tests.integration.conftest import QUICK, polls

Isolation = Literal["Shared", "Project"]
NewApplication = Callable[..., Application]
Apps = dict[Isolation, Application]

How = Literal["up", "down", "killed"]

_CHILDREN = (
    "deployments,services,ingresses,replicasets,pods,cronjobs,jobs,persistentvolumeclaims,"
    "configmaps,secrets,certificates,poddisruptionbudgets,horizontalpodautoscalers"
)
_FURNISHINGS = "serviceaccounts,networkpolicies,resourcequotas,limitranges,rolebindings"
_OURS = f"namespaces,leases,environments,{_CHILDREN},{_FURNISHINGS}"
_EVERYTHING = f"projects,{_OURS}"
_HELD_BY_KUBERNETES = {"kubernetes.io/pvc-protection", "batch.kubernetes.io/job-tracking"}

while_the_operator_is = pytest.mark.parametrize("how", ["up", "down"])


@pytest.fixture
def apps(new_application: NewApplication) -> Apps:
    """Two applications that run, one for each isolation.

    Without pods: Kubernetes looks at a namespace with pods again only after half their grace time.
    """
    apps: Apps = {}
    shas = {}
    isolations: tuple[Isolation, ...] = ("Shared", "Project")
    for isolation in isolations:
        app = apps[isolation] = new_application()
        shas[isolation] = app.commit("main")
        app.apply(*_sources(app), _project(app, isolation))
    for isolation, app in apps.items():
        app.wait_until_running("production", shas[isolation])
    return apps


def _project(app: Application, isolation: Isolation) -> Manifest:
    """Return a Project with a subdomain that no other application asks for."""
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": app.namespace}
    runtime = {
        "replicas": 0,
        "configRefs": [{"name": "config"}],
        "secretRefs": [{"name": "keys"}],
        "volumes": [{"name": "data", "mountPath": "/data"}],
        "processes": [{"name": "nightly", "kind": "cron", "schedule": "0 3 1 1 *"}],
    }
    access = [{"kind": "Group", "name": "team"}]
    return app.project(isolation=isolation, domain=domain, runtime=runtime, access=access)


def _sources(app: Application) -> tuple[Manifest, ...]:
    """Return what a configRef and a secretRef name."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"A": "a"}}
    keys = {"apiVersion": "v1", "kind": "Secret", "stringData": {"B": "b"}}
    return (
        {**config, "metadata": {"name": "config", "namespace": app.namespace}},
        {**keys, "metadata": {"name": "keys", "namespace": app.namespace}},
    )


@contextmanager
def _meanwhile(operator: OperatorProcess, how: How) -> Iterator[None]:
    """Do something while the operator is up, while it is down, or killed by its first write."""
    if how == "up":
        yield
        return
    stop = operator.stop if how == "down" else _killed_by_a_write(operator)
    try:
        if how == "down":
            stop()
        yield
    finally:
        if how == "killed":
            stop()
        operator.start()


def _killed_by_a_write(operator: OperatorProcess) -> Callable[[], None]:
    """Have the operator killed right after its next write; return what waits for that."""
    log = operator.platform.audit_log
    offset = log.stat().st_size

    def kill() -> None:
        wait_for("the operator writes", lambda: operator_writes(log, offset))
        operator.signal_kill()

    killer = threading.Thread(target=kill, name="killer")
    killer.start()

    def wait() -> None:
        killer.join()
        operator.kill()

    return wait


def _uid(manifest: Manifest | None) -> str:
    return str(manifest["metadata"]["uid"]) if manifest else ""


def _claims(app: Application, uid: str) -> list[str]:
    """Return what the object of that UID has claimed."""
    leases = app.list("leases", labelSelector=f"kapsa-project.io/owner-uid={uid}")
    return [lease["metadata"]["annotations"]["kapsa-project.io/host"] for lease in leases]


def _owned(app: Application, uid: str) -> list[str]:
    """Return the objects that name the UID as their owner."""
    return [
        f"{item['kind']} {item['metadata']['name']}"
        for item in app.list(_CHILDREN)
        for owner in item["metadata"].get("ownerReferences") or ()
        if owner["uid"] == uid
    ]


def _made_namespace(app: Application) -> str:
    return str((app.get("project", app.name) or {})["status"]["namespace"])


def _wait_until_deleted(app: Application, victim: str) -> None:
    name = app.name if victim == "project" else app.namespace
    wait_for(f"{victim} {name} is gone", lambda: app.get(victim, name) is None)


def _wait_until_nothing_is_left(app: Application, uids: list[str], made: str) -> None:
    def look() -> bool:
        if app.environments() or any(_claims(app, uid) or _owned(app, uid) for uid in uids):
            return False
        return made == app.namespace or app.get("namespace", made) is None

    wait_for(f"nothing is left of {app.namespace}/{app.name}", look)


@while_the_operator_is
def test_a_deleted_environment_of_a_project_comes_back_anew_at_its_host(
    shared_operator: OperatorProcess, apps: Apps, how: How
) -> None:
    before = {isolation: app.environment("production") for isolation, app in apps.items()}
    with _meanwhile(shared_operator, how):
        for isolation, app in apps.items():
            old = before[isolation]
            assert old is not None
            app.delete("environment", old["metadata"]["name"], old["metadata"]["namespace"])
    for isolation, app in apps.items():
        old = before[isolation]
        assert old is not None

        def is_gone(app: Application = app, uid: str = _uid(old)) -> bool:
            return not _claims(app, uid) and not _owned(app, uid)

        wait_for("the old one's objects are gone", is_gone)
        new = app.wait_until_running("production", old["spec"]["commit"])
        assert _uid(new) != _uid(old)
        assert new["metadata"]["name"] == old["metadata"]["name"]
        assert new["status"]["host"] == old["status"]["host"]


@while_the_operator_is
def test_a_deleted_environment_without_a_host_comes_back_too(
    shared_operator: OperatorProcess, app: Application, how: How
) -> None:
    sha = app.commit("main")
    app.apply(app.project(domain=None))
    old = app.wait_until_running("production", sha)
    with _meanwhile(shared_operator, how):
        app.delete("environment", old["metadata"]["name"], old["metadata"]["namespace"])
    new = app.wait_until_running("production", sha)
    assert _uid(new) != _uid(old)


@pytest.mark.parametrize("how", ["up", "down", "killed"])
def test_a_deleted_environment_that_stood_alone_is_gone_for_good(
    shared_operator: OperatorProcess, app: Application, how: How
) -> None:
    image = f"{app.registry.host}/{app.image_repository}@{app.push_image('v1')}"
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": app.namespace}
    app.apply(lone_environment("alone", app.namespace, image=image, domain=domain))

    def running() -> Manifest | None:
        found = app.get("environment", "alone")
        return found if (found or {}).get("status", {}).get("phase") == "Running" else None

    old = wait_for("the lone Environment runs", running)
    assert _claims(app, _uid(old)) == [old["status"]["host"]]
    with _meanwhile(shared_operator, how):
        app.delete("environment", "alone")

    def is_gone() -> bool:
        return not _claims(app, _uid(old)) and not _owned(app, _uid(old))

    wait_for("its objects and its claim are gone", is_gone)
    assert app.get("environment", "alone") is None


@pytest.mark.parametrize(
    ("victim", "how"),
    [
        ("project", "up"),
        ("project", "down"),
        ("project", "killed"),
        ("namespace", "up"),
        ("namespace", "down"),
    ],
)
def test_a_deleted_project_leaves_nothing(
    shared_operator: OperatorProcess, apps: Apps, victim: str, how: How
) -> None:
    uids, made = {}, {}
    for isolation, app in apps.items():
        environments = app.environments().values()
        uids[isolation] = [_uid(app.get("project", app.name)), *map(_uid, environments)]
        made[isolation] = _made_namespace(app)
        assert all(_claims(app, uid) for uid in uids[isolation])
    with _meanwhile(shared_operator, how):
        for app in apps.values():
            app.delete(victim, app.name if victim == "project" else app.namespace, wait=False)
        for app in apps.values():
            _wait_until_deleted(app, victim)
    for isolation, app in apps.items():
        _wait_until_nothing_is_left(app, uids[isolation], made[isolation])


@while_the_operator_is
def test_a_project_that_is_deleted_and_made_anew_gets_everything_anew_and_its_hosts_again(
    shared_operator: OperatorProcess, apps: Apps, how: How
) -> None:
    before = {isolation: app.environment("production") for isolation, app in apps.items()}
    with _meanwhile(shared_operator, how):
        for isolation, app in apps.items():
            app.delete("project", app.name)
            app.apply(_project(app, isolation))
    for isolation, app in apps.items():
        old = before[isolation]
        assert old is not None
        uid = _uid(app.get("project", app.name))

        def is_anew(app: Application = app, uid: str = uid) -> bool:
            found = app.environment("production") or {}
            return bool(found) and found["spec"]["projectRef"]["uid"] == uid

        wait_for("the Environment is the new Project's", is_anew)
        new = app.wait_until_running("production", old["spec"]["commit"])
        assert list(app.environments()) == ["production"]
        assert new["status"]["host"] == old["status"]["host"]
        assert _uid(new) != _uid(old)


def test_nothing_has_a_finalizer_of_kapsas(shared_operator: OperatorProcess, apps: Apps) -> None:
    some = next(iter(apps.values()))
    held = [
        f"{item['kind']} {item['metadata']['name']}: {item['metadata']['finalizers']}"
        for item in some.list(_EVERYTHING)
        if set(item["metadata"].get("finalizers") or ()) - _HELD_BY_KUBERNETES
    ]
    assert held == []


def test_a_foreign_finalizer_in_a_made_namespace_makes_nobody_spin(
    shared_operator: OperatorProcess, apps: Apps
) -> None:
    app = apps["Project"]
    made = _made_namespace(app)
    sha = (app.environment("production") or {})["spec"]["commit"]
    app.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "held", "namespace": made, "finalizers": ["example.com/hold"]},
        }
    )
    old = [_uid(app.get("project", app.name)), *map(_uid, app.environments().values())]
    app.delete("project", app.name)
    wait_for("its Environments are gone", lambda: not app.environments())
    wait_for("its claims are gone", lambda: not any(_claims(app, uid) for uid in old))
    app.apply(_project(app, "Project"))
    waiting = app.wait_for_condition("Ready", "NamespaceTerminating")
    assert made in waiting["message"]

    shared_operator.stop()
    account = app.platform.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
    with proxied(app.platform) as proxy:
        watched = OperatorProcess(
            app.platform, QUICK, kubeconfig=through(proxy, account), name="watched"
        )
        watched.start()
        try:
            _rest(app, watched, proxy, made)
        finally:
            watched.stop()
    shared_operator.start()

    patch = json.dumps({"metadata": {"finalizers": None}})
    app.platform.kubectl("patch", "configmap", "held", "-n", made, "--type=merge", "-p", patch)
    app.wait_until_running("production", sha)


def _rest(app: Application, operator: OperatorProcess, proxy: ApiProxy, made: str) -> None:
    """Look on while another Project is polled some times: nothing is done about this one."""
    wait_for("it was looked at once", lambda: polls(operator) >= 2)
    offset = app.platform.audit_log.stat().st_size
    lines, requests = len(operator.log_file.read_text().splitlines()), len(proxy.requests)
    until = polls(operator) + 4
    wait_for("the other Project is polled", lambda: polls(operator) >= until)
    assert [item for item in operator_writes(app.platform.audit_log, offset) if made in item] == []
    assert len([path for path in proxy.requests[requests:] if made in path]) <= 1
    logged = operator.log_file.read_text().splitlines()[lines:]
    assert [line for line in logged if made in line or app.namespace in line] == []


def test_a_permanent_environment_that_leaves_the_spec_is_deleted_alone(
    shared_operator: OperatorProcess, app: Application
) -> None:
    sha = app.commit("main")
    both = [{"name": name, "branch": "main"} for name in ("production", "staging")]
    app.apply(app.project(environments=both))
    production = app.wait_until_running("production", sha)
    app.wait_until_running("staging", sha)

    app.apply(app.project(environments=both[:1]))
    app.wait_until_gone("staging")
    assert _uid(app.environment("production")) == _uid(production)


def test_claims_are_in_the_operators_namespace_only(
    shared_operator: OperatorProcess, apps: Apps
) -> None:
    some = next(iter(apps.values()))
    claims = some.list("leases", labelSelector="kapsa-project.io/claim")
    assert {lease["metadata"]["namespace"] for lease in claims} == {NAMESPACE}


def test_nothing_is_ever_left_without_its_owner(
    shared_operator: OperatorProcess, apps: Apps
) -> None:
    some = next(iter(apps.values()))
    for app in apps.values():
        app.delete("project", app.name)

    def orphans() -> list[str]:
        found = some.list(_OURS, labelSelector="app.kubernetes.io/managed-by=kapsa")
        living = {_uid(item) for item in some.list(f"{_EVERYTHING},domainpools")}
        return [
            f"{item['kind']} {item['metadata']['name']}"
            for item in found
            if "deletionTimestamp" not in item["metadata"]
            and (owners := owner_uids(item))
            and not living & set(owners)
        ]

    wait_for("nothing is left", lambda: not orphans(), within=60)
    # The garbage collector says so where an owner is in another namespace.
    said = [event for event in some.list("events") if event["reason"] == "OwnerRefInvalidNamespace"]
    assert said == []
