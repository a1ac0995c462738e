"""`kapsa plan -o diff` against a real cluster: it says what would change, and changes nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest
from tests.integration.audit import writes_of

_PLANNER = "planner"
_READ = ("get", "list")
_RULES: list[Manifest] = [
    {"apiGroups": [group], "resources": resources, "verbs": list(_READ)}
    for group, resources in (
        ("kapsa-project.io", ["projects", "environments", "domainpools", "registries"]),
        ("", ["namespaces", "services", "configmaps", "persistentvolumeclaims"]),
        ("", ["serviceaccounts", "resourcequotas", "limitranges"]),
        ("apps", ["deployments"]),
        ("batch", ["jobs", "cronjobs"]),
        ("policy", ["poddisruptionbudgets"]),
        ("autoscaling", ["horizontalpodautoscalers"]),
        ("networking.k8s.io", ["ingresses", "networkpolicies"]),
        ("rbac.authorization.k8s.io", ["rolebindings"]),
        ("gateway.networking.k8s.io", ["httproutes"]),
        ("cert-manager.io", ["certificates"]),
    )
]
_SETTINGS = {"env": [{"name": "COLOUR", "value": "red"}], "command": ["serve"]}


def _project(app: Application, **production: Any) -> Manifest:
    runtime = {"replicas": 2, **production}
    return app.project(environments=[{"name": "production", "branch": "main", "runtime": runtime}])


def _planner(app: Application) -> Path:
    """Return the kubeconfig of somebody who may read what a plan needs, and nothing else."""
    rbac = "rbac.authorization.k8s.io/v1"
    name = f"{_PLANNER}-{app.namespace}"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    who = {"kind": "ServiceAccount", "name": _PLANNER, "namespace": app.namespace}
    app.apply(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": _PLANNER, "namespace": app.namespace},
        },
        {"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": name}, "rules": _RULES},
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": role,
            "subjects": [who],
        },
    )
    return app.platform.service_account_kubeconfig(app.namespace, _PLANNER)


def _diff(app: Application, folder: Path, project: Manifest) -> tuple[int, str]:
    """Return exit code and output of `kapsa plan -o diff`, with the refs as they are now."""
    (folder / "project.json").write_text(json.dumps(project), encoding="utf-8")
    refs = app.worktree.git("ls-remote", "origin")
    (folder / "refs.txt").write_text(f"{refs}\n", encoding="utf-8")
    files = ("-f", "project.json", "--refs", "refs.txt", "-o", "diff")
    done = subprocess.run(
        [sys.executable, "-m", "kapsa", "plan", *files, "--kubeconfig", str(_planner(app))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == bool(done.stdout), done.stderr
    return done.returncode, done.stdout


def _changes(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line[:1] in ("+", "-")]


@pytest.fixture
def running(operator: OperatorProcess, app: Application) -> Application:
    """An application of which production and a preview run; the operator has stopped since."""
    main, head = app.commit("main"), app.commit("feature/login")
    number = app.open_pull_request("feature/login", "Log in")
    app.apply(_project(app, **_SETTINGS))
    app.wait_until_running("production", main)
    app.wait_until_running(f"pr-{number}", head)
    operator.stop()
    return app


def test_a_plan_agrees_with_what_runs_shows_what_is_edited_and_writes_nothing(
    running: Application, tmp_path: Path
) -> None:
    assert _diff(running, tmp_path, _project(running, **_SETTINGS)) == (0, "")

    code, edited = _diff(running, tmp_path, _project(running, **_SETTINGS | {"replicas": 3}))
    production = running.environment("production")
    assert production is not None
    where = f"{production['metadata']['namespace']}/shop-production"
    assert (code, _changes(edited)) == (
        1,
        [
            f"--- live/Environment/{where}",
            f"+++ planned/Environment/{where}",
            "-    replicas: 2",
            "+    replicas: 3",
            f"--- live/Deployment/{where}",
            f"+++ planned/Deployment/{where}",
            "-  replicas: 2",
            "+  replicas: 3",
        ],
    )

    _, without = _diff(running, tmp_path, _project(running))
    deployment = _changes(without.partition(f"--- live/Deployment/{where}\n")[2])
    assert deployment == [
        f"+++ planned/Deployment/{where}",
        "-      - command:",
        "-        - serve",
        "-        env:",
        "+      - env:",
        "-        - name: COLOUR",
        "-          value: red",
    ]

    assert writes_of(running.platform.audit_log, running.namespace, _PLANNER) == []


def test_a_closed_pull_request_takes_its_environment_along(
    running: Application, tmp_path: Path
) -> None:
    running.worktree.delete_branch("feature/login")

    code, diff = _diff(running, tmp_path, _project(running, **_SETTINGS))

    gone = [line for line in diff.splitlines() if line.startswith("--- live/")]
    kinds = [line.split("/")[1] for line in gone]
    assert (code, kinds) == (1, ["Environment", "Deployment", "Service", "Ingress"])
