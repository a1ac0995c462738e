"""A real node: containers run, answer and are heard; and nothing of them stays."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lab
from lab import builds
from lab.httpclient import request
from lab.node.outside import name_of, sweep
from lab.objects import read_object
from lab.operator import PROJECT_ROOT
from lab.scenario import Manifest, condition, wait_for
from lab.story_app import HEALTH, PORT, push_app_image
from tests.e2e.traces import links, mounts, traces

REPOSITORY = "team/page"


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that Gitea's user may enter too."""
    with tempfile.TemporaryDirectory(prefix="kapsa-node-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def node(real_node: None) -> Iterator[lab.Platform]:
    """A laboratory with a real node and an image of the application `page`."""
    with lab.running("demo", node="real") as platform:
        furnish(platform)
        yield platform


def furnish(platform: lab.Platform) -> None:
    """Push the image, and make the namespace `team` with what it takes to pull it."""
    registry = platform.registry
    assert registry is not None
    push_app_image(registry, REPOSITORY, "1", "<p>It runs.</p>")
    login = {
        "auths": {
            registry.host: {
                "username": registry.pull_username,
                "password": registry.pull_password,
            }
        }
    }
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    platform.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "team", "labels": restricted},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": "pull", "namespace": "team"},
            "stringData": {".dockerconfigjson": json.dumps(login)},
        },
    )


def pod(platform: lab.Platform, name: str, *arguments: str, pull: bool = True) -> Manifest:
    """Write a pod of the application as Kapsa would: nothing that `restricted` forbids."""
    assert platform.registry is not None
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "team"},
        "spec": {
            "imagePullSecrets": [{"name": "pull"}] if pull else [],
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "app",
                    "image": f"{platform.registry.host}/{REPOSITORY}:1",
                    "imagePullPolicy": "Always",
                    "args": list(arguments),
                    "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
                    "readinessProbe": {
                        "httpGet": {"path": HEALTH, "port": PORT},
                        "periodSeconds": 1,
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def status(platform: lab.Platform, name: str) -> Manifest:
    found = read_object(platform.api_server, "pods", name, "team")
    return dict((found or {}).get("status") or {})


def wait_until_ready(platform: lab.Platform, name: str) -> str:
    """Wait until the pod's probe succeeds; return its address."""

    def look() -> str:
        found = status(platform, name)
        ready = condition({"status": found}, "Ready").get("status") == "True"
        return str(found["podIP"]) if ready else ""

    return wait_for(f"pod {name} is Ready", look, 60)


def waiting_reason(platform: lab.Platform, name: str) -> str:
    states = [each["state"] for each in status(platform, name).get("containerStatuses") or ()]
    return "".join((state.get("waiting") or {}).get("reason", "") for state in states)


def test_the_bridge_keeps_its_hardware_address_when_pods_come_and_go(node: lab.Platform) -> None:
    # Else it is the lowest one of its ports', and what pods send to one that was is lost.
    bridge = Path("/sys/class/net", name_of(node.directory))
    set_by_us = 3  # NET_ADDR_SET, linux/netdevice.h
    assert int((bridge / "addr_assign_type").read_text()) == set_by_us


def test_a_restricted_pod_answers_at_its_address_and_its_log_is_read(node: lab.Platform) -> None:
    node.apply(pod(node, "web"))

    address = wait_until_ready(node, "web")

    page = request("GET", f"http://{address}:{PORT}/")
    assert b"It runs." in page.body
    assert address.rpartition(".")[0] == node.address.rpartition(".")[0]
    assert "serve" in node.kubectl("logs", "web", "-n", "team")
    assert "task: done" in node.kubectl("exec", "web", "-n", "team", "--", "/page", "task")


def test_an_image_of_a_private_repository_is_not_pulled_without_its_secret(
    node: lab.Platform,
) -> None:
    node.apply(pod(node, "stranger", pull=False))

    reasons = ("ErrImagePull", "ImagePullBackOff")
    wait_for("no image", lambda: waiting_reason(node, "stranger") in reasons)


def test_a_pod_that_fails_leaves_its_exit_code_and_its_log(node: lab.Platform) -> None:
    failing = pod(node, "failing", "crash")
    failing["spec"]["restartPolicy"] = "Never"
    node.apply(failing)

    def ended() -> Manifest | None:
        found = status(node, "failing").get("containerStatuses") or [{}]
        return dict((found[0].get("state") or {}).get("terminated") or {})

    assert wait_for("the container ended", ended)["exitCode"] == 1
    assert "DATABASE_URL" in node.kubectl("logs", "failing", "-n", "team")


def test_a_deleted_pod_is_told_to_end_and_finishes_its_requests(node: lab.Platform) -> None:
    node.apply(pod(node, "polite"))
    address = wait_until_ready(node, "polite")
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(request, "GET", f"http://{address}:{PORT}/slow?for=3s")
        node.kubectl("delete", "pod", "polite", "-n", "team", "--wait=false")

    assert answer.result().body == b"done\n"
    wait_for("the pod is gone", lambda: not status(node, "polite"))


def test_a_node_that_lost_power_runs_its_pods_again(node: lab.Platform) -> None:
    node.apply(pod(node, "steady"))
    wait_until_ready(node, "steady")

    node.restart("node")

    def runs_again() -> bool:
        found = status(node, "steady").get("containerStatuses") or [{}]
        return bool(found[0].get("restartCount") and found[0].get("ready"))

    wait_for("the pod runs again", runs_again, 60)


def test_nothing_is_left_of_a_laboratory_that_ended(real_node: None, tmp_path: Path) -> None:
    directory = tmp_path / "lab"
    name, before, linked = name_of(directory), mounts(), links()
    with lab.running("demo", node="real", directory=directory) as platform:
        furnish(platform)
        platform.apply(pod(platform, "web"))
        wait_until_ready(platform, "web")
        during = traces(name, directory)

    assert all(during.values()), during
    left = traces(name, directory)
    assert {kind for kind, found in left.items() if found} == {"files"}
    assert mounts() == before
    wait_for("no interface is left", lambda: links() <= linked)


def test_a_laboratory_that_stays_is_taken_away_whole(real_node: None, outside: Path) -> None:
    before, linked = mounts(), links()

    def told(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "lab", *arguments, "--name", "stays"],
            cwd=PROJECT_ROOT,
            env=os.environ | {"XDG_STATE_HOME": str(outside)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = told("up", "--node", "auto")
    try:
        assert re.search(r"^nodes +real$", said, re.MULTILINE)
        assert builds.missing() or "export KAPSA_BUILDKIT_IMAGE=" in said
        found = re.search(r"^kubeconfig +(.+)/kubeconfig$", said, re.MULTILINE)
        assert found is not None
        directory = Path(found[1])
        name = name_of(directory)
        there = traces(name, directory)
        assert {kind for kind, found in there.items() if not found} == {"network namespaces"}
        assert "KAPSA_LAB_HTTPS_PORT" in told("env"), "there is a router"
    finally:
        told("down")

    left = traces(name, directory)
    assert not any(left.values()), left
    assert mounts() == before
    wait_for("no interface is left", lambda: links() <= linked)


KILLED = """
import os, signal
from pathlib import Path
import lab
from tests.e2e.test_node import furnish, pod, wait_until_ready

with lab.running("demo", node="real") as platform:
    furnish(platform)
    platform.apply(pod(platform, "web"))
    wait_until_ready(platform, "web")
    print(platform.directory, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_laboratory_left_is_cleared_away_by_the_next(real_node: None) -> None:
    before, linked = mounts(), links()
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL
    directory = Path(done.stdout.strip())
    name = name_of(directory)

    sweep(print)

    left = traces(name, directory)
    assert not any(left.values()), left
    assert mounts() == before
    wait_for("no interface is left", lambda: links() <= linked)
