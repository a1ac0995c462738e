"""The pods of an Environment on the real node, and what they say themselves."""

import subprocess
from pathlib import Path

import lab
from lab.httpclient import Response, request
from lab.node.configuration import CONTAINERD_ADDRESS
from lab.node.outside import name_of
from lab.scenario import Application, Manifest, condition, wait_for
from lab.story_app import HEALTH, PORT
from tests.e2e.traces import processes

RUNTIME: Manifest = {
    "ports": [{"name": "http", "containerPort": PORT}],
    "probes": {"readiness": {"path": HEALTH, "periodSeconds": 1}},
}
"""What a Project says of the application's main process."""


def pods_of(app: Application, slug: str, process: str = "web") -> list[Manifest]:
    """Return the pods of a process of an Environment that are not on their way out."""
    environment = (app.environment(slug) or {})["metadata"]
    selector = (
        f"kapsa-project.io/environment={environment['name']},kapsa-project.io/process={process}"
    )
    return [
        pod
        for pod in app.list("pods", labelSelector=selector)
        if pod["metadata"]["namespace"] == environment["namespace"]
        and "deletionTimestamp" not in pod["metadata"]
    ]


def ready_pods(app: Application, slug: str, count: int, process: str = "web") -> list[Manifest]:
    """Wait until a process of an Environment has that many pods, all of them Ready; return them."""

    def look() -> list[Manifest] | None:
        found = pods_of(app, slug, process)
        return found if are_ready(found, count) else None

    return wait_for(f"{count} pods of {app.name}-{slug}-{process} are Ready", look, 60)


def are_ready(pods: list[Manifest], count: int) -> bool:
    """Tell whether there are that many pods, and all of them Ready."""
    states = [condition(pod, "Ready").get("status") for pod in pods]
    return states == ["True"] * count


def ask(pod: Manifest, path: str, method: str = "GET") -> Response:
    """Send a request to a pod's own address; return the answer."""
    return request(method, f"http://{pod['status']['podIP']}:{PORT}{path}")


def text(response: Response) -> str:
    """Return what the application answered in words; it has to be a success."""
    assert response.status == 200, response
    return response.body.decode().strip()


def containers(platform: lab.Platform, namespace: str) -> list[str]:
    """List the containers, sandboxes too, that containerd has for the pods of a namespace."""
    ctr = platform.artifact("ctr")
    assert ctr is not None
    asked = ("containers", "ls", "-q", f'labels."io.kubernetes.pod.namespace"=={namespace}')
    command = [str(ctr), f"--address={_socket(platform)}", "--namespace=k8s.io", *asked]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def _socket(platform: lab.Platform) -> Path:
    """Find containerd's socket by way of a process that sees the node's files."""
    inside = CONTAINERD_ADDRESS.lstrip("/")
    ours = Path("/proc/self/ns/mnt").readlink()
    for pid in processes(name_of(platform.directory), platform.directory):
        # Others see this machine's containerd there, if it has one.
        if Path("/proc", pid, "ns/mnt").readlink() == ours:
            continue
        if (found := Path("/proc", pid, "root", inside)).exists():
            return found
    raise AssertionError("no process of the node sees containerd")
