"""All that a Project runs besides its page really runs: as often, and as shut in, as it says."""

import json
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.httpclient import request
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.e2e.pages import address_of, commit_page
from tests.e2e.pods import RUNTIME, ask, containers, pods_of, ready_pods, text

WITHIN = 60.0

_PROCESSES: list[Manifest] = [
    {"name": "worker", "kind": "worker", "args": ["worker"]},
    {"name": "nightly", "kind": "cron", "schedule": "0 3 1 1 *", "args": ["task"]},
    {"name": "seed", "kind": "job", "args": ["task"]},
]

_FORBIDDEN: list[tuple[str, Manifest, Manifest]] = [
    ("runAsUser=0", {}, {"securityContext": {"runAsUser": 0}}),
    ("SYS_ADMIN", {}, {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
    ("host namespaces", {"hostNetwork": True, "hostPID": True}, {}),
    ('type "hostPath"', {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}, {}),
]
"""What the API server would take elsewhere: the refusal's words, of a pod, of its container."""


def _project(app: Application, **runtime: object) -> Manifest:
    """Return a Project with a subdomain that no other test waits for."""
    domain = {"domainPoolRef": {"name": "apps"}, "subdomain": app.namespace}
    return app.project(domain=domain, runtime=RUNTIME | runtime)


def _run(app: Application, **runtime: object) -> Manifest:
    """Commit a page, apply a Project of that runtime, and wait until production runs it."""
    sha = commit_page(app, "<h1>hello</h1>")
    app.apply(_project(app, **runtime))
    return app.wait_until_running("production", sha, within=WITHIN)


def _wait_for_line(app: Application, process: str, line: str) -> None:
    """Wait until a pod of a process has printed a line."""

    def look() -> bool:
        started = [
            pod["metadata"]
            for pod in pods_of(app, "production", process)
            if pod["status"]["phase"] != "Pending"
        ]
        logs = [
            app.platform.kubectl("logs", meta["name"], "-n", meta["namespace"]) for meta in started
        ]
        return any(line in log for log in logs)

    wait_for(f"{process} has printed: {line}", look, WITHIN)


def _name_of_cron_job(app: Application, namespace: str) -> str:
    found = app.list("cronjobs", labelSelector="kapsa-project.io/process=nightly")
    (name,) = [
        item["metadata"]["name"] for item in found if item["metadata"]["namespace"] == namespace
    ]
    return str(name)


def _endpoints(app: Application, namespace: str) -> dict[str, set[str]]:
    """Return which pods each Service of a namespace leads to."""
    found: dict[str, set[str]] = {}
    for item in app.list("endpointslices"):
        if item["metadata"]["namespace"] == namespace:
            service = item["metadata"]["labels"]["kubernetes.io/service-name"]
            targets = {point["targetRef"]["name"] for point in item["endpoints"] or ()}
            found.setdefault(service, set()).update(targets)
    return found


def test_each_kind_of_process_runs_and_its_log_is_read(
    operator: OperatorProcess, app: Application
) -> None:
    production = _run(app, processes=_PROCESSES)
    made, sha = production["metadata"]["namespace"], production["status"]["commit"]

    _wait_for_line(app, "worker", f"worker: round 2 of commit {sha}")
    _wait_for_line(app, "seed", f"task: done by commit {sha}")
    assert pods_of(app, "production", "nightly") == []
    cron_job = f"cronjob/{_name_of_cron_job(app, made)}"
    app.platform.kubectl("create", "job", "now", f"--from={cron_job}", "-n", made)
    _wait_for_line(app, "nightly", f"task: done by commit {sha}")

    (web,) = pods_of(app, "production")
    led_to = {production["metadata"]["name"]: {web["metadata"]["name"]}}
    wait_for("Services lead to the page only", lambda: _endpoints(app, made) == led_to)


def _who_answers(url: str, ca_file: Path, asks: int) -> set[str]:
    """Return the names of the pods that answer at a URL, or why none does."""
    found: set[str] = set()
    for _ in range(asks):
        try:
            answer = request("GET", url, ca_file=ca_file, timeout=5)
        except OSError as error:
            return {str(error)}
        found.add(answer.body.decode().strip() if answer.status == 200 else str(answer.status))
    return found


def test_as_many_pods_answer_at_the_url_as_replicas_says(
    operator: OperatorProcess, app: Application, ca_file: Path
) -> None:
    url = address_of(app, _run(app, replicas=1)) + "/env/HOSTNAME"

    def scaled_to(replicas: int) -> set[str]:
        """Have so many pods, and return their names once each of them has answered."""
        app.apply(_project(app, replicas=replicas))
        names = {pod["metadata"]["name"] for pod in ready_pods(app, "production", replicas)}
        # The router takes turns, so it comes by every pod.
        wait_for(
            f"{replicas} pods answer",
            lambda: _who_answers(url, ca_file, 3 * replicas) == names,
            WITHIN,
        )
        return names

    one, three, two = scaled_to(1), scaled_to(3), scaled_to(2)

    assert one < three, "the pod that ran goes on"
    assert two < three


def test_a_secret_that_changes_reaches_the_application_in_a_new_pod(
    operator: OperatorProcess, app: Application
) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": app.namespace},
    }
    app.apply({**secret, "stringData": {"API_KEY": "the first"}})
    _run(app, secretRefs=[{"name": "keys"}])
    (old,) = ready_pods(app, "production", 1)
    assert text(ask(old, "/env/API_KEY")) == "the first"

    app.apply({**secret, "stringData": {"API_KEY": "the second"}})

    def rolled() -> Manifest | None:
        (pod,) = ready_pods(app, "production", 1)
        return pod if pod["metadata"]["uid"] != old["metadata"]["uid"] else None

    new = wait_for("there is a new pod", rolled, 2 * WITHIN)
    assert text(ask(new, "/env/API_KEY")) == "the second"


def test_a_deleted_project_leaves_no_container_behind(
    operator: OperatorProcess, app: Application
) -> None:
    made = _run(app, processes=_PROCESSES, replicas=2)["metadata"]["namespace"]
    assert len(containers(app.platform, made)) >= 2 * 3, "each pod has a sandbox too"

    app.delete("project", app.name)

    # Kubernetes looks at a namespace with pods again only after half their grace time.
    wait_for("the node has none", lambda: not containers(app.platform, made), 2 * WITHIN)
    wait_for("the namespace is gone", lambda: app.get("namespace", made, "") is None, WITHIN)


def test_a_made_namespace_refuses_what_restricted_forbids(
    operator: OperatorProcess, app: Application
) -> None:
    production = _run(app)
    made = production["metadata"]["namespace"]

    def create(pod: Manifest, container: Manifest, namespace: str) -> None:
        named = {"name": "app", "image": production["status"]["image"]}
        intruder = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "intruder"},
            "spec": {"containers": [named | container], **pod},
        }
        tried = ("create", "--dry-run=server", "-n", namespace, "-f", "-")
        app.platform.kubectl(*tried, input=json.dumps(intruder))

    for why, pod, container in _FORBIDDEN:
        create(pod, container, app.namespace)
        with pytest.raises(LabError, match=f'violates PodSecurity "restricted.*{why}'):
            create(pod, container, made)
