"""A stand-in for the kubelet, for the pods of builds only: it really runs them.

The simulated nodes of the laboratory run nothing. They leave pods with the label
`kapsa-project.io/build` alone, and this runs those: their own commands, with rootless BuildKit,
their Secrets as files, and as the user that they ask for. It tells the pod's status, its
termination messages and its log. What it doesn't do: limits, probes, images, network policies.

All containers of one name share one log, which is the last one's.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import uidmap
from lab.build_container import Container, start
from lab.build_home import DAEMONLESS, USER
from lab.errors import LabError
from lab.httpclient import request
from lab.objects import read_object, read_objects
from lab.paths import private_directory
from lab.platform import Platform
from lab.pod_status import container_status, now, pod_status
from lab.servers.kwok_stages import BUILD_CONTAINERS, build_log
from lab.spawn import kill_group

Manifest = dict[str, Any]

LABEL = "kapsa-project.io/build"

_POLL = 0.1
_MESSAGE_LIMIT = 4096
_LOG_MESSAGE_LIMIT = 2048
_NEEDED = ("runc", "unshare", "pivot_root", "git", "awk")
_RECIPES = ("buildkitd", "buildctl", "rootlesskit")


def missing() -> str:
    """Why this machine can't run builds, and what to do; nothing where it can."""
    if os.geteuid() != 0:
        return "Builds are run as a node would run them, which needs root."
    if absent := uidmap.absent((*_NEEDED, *uidmap.PROGRAMS)):
        return (
            f"Builds need {', '.join(absent)} on PATH."
            " Install them (Debian: `apt install runc uidmap git util-linux mawk`)."
        )
    return ""


@contextmanager
def build_node(platform: Platform) -> Iterator[BuildNode]:
    """Runs the pods of builds for the length of the block; LabError where this machine can't.

    Whatever it started is gone afterwards, even if this process is killed.
    """
    if why := missing():
        raise LabError(why)
    directory = platform.directory / "build-node"
    shutil.rmtree(directory, ignore_errors=True)
    node = BuildNode(platform, private_directory(directory))
    thread = threading.Thread(target=node.work, name="build-node", daemon=True)
    thread.start()
    try:
        yield node
    finally:
        node.end()
        thread.join()
        shutil.rmtree(node.directory, ignore_errors=True)


@dataclass
class _Run:
    """A pod that runs, and what stops it."""

    thread: threading.Thread
    stopped: threading.Event
    process: subprocess.Popen[bytes] | None = None


@dataclass
class BuildNode:
    """Looks for pods of builds and runs each once. `arguments` are those of all containers."""

    platform: Platform
    directory: Path
    arguments: list[list[str]] = field(default_factory=list)
    _runs: dict[str, _Run] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Look for pods until `end` is called."""
        while not self._ended.wait(_POLL):
            try:
                pods = read_objects(self.platform.api_server, "pods", labelSelector=LABEL)
            except (OSError, LabError):
                continue  # the API server may be stopped by a test
            for pod in pods:
                self._see_to(pod)

    def end(self) -> None:
        """End whatever runs, and return when it is gone."""
        self._ended.set()
        for run in [*self._runs.values()]:
            self._stop(run)

    def _see_to(self, pod: Manifest) -> None:
        meta = pod["metadata"]
        run = self._runs.get(meta["uid"])
        if meta.get("deletionTimestamp"):
            if run is not None:
                self._stop(run)
            self._remove(pod)
        elif run is None and pod["spec"].get("nodeName") and self._volumes_are_there(pod):
            phase = (pod.get("status") or {}).get("phase", "Pending")
            if phase != "Pending":
                return
            stopped = threading.Event()
            thread = threading.Thread(target=self._run, args=(pod, stopped), daemon=True)
            self._runs[meta["uid"]] = _Run(thread, stopped)
            thread.start()

    def _stop(self, run: _Run) -> None:
        run.stopped.set()
        if run.process is not None:
            kill_group(run.process, grace_seconds=0.1)
        run.thread.join()

    def _remove(self, pod: Manifest) -> None:
        """Say, as a kubelet does, that nothing runs any more."""
        meta = pod["metadata"]
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        self._call("DELETE", _path(pod), body)

    def _volumes_are_there(self, pod: Manifest) -> bool:
        """Whether there are all Secrets; a kubelet waits for them."""
        return all(
            read_object(self.platform.api_server, "secrets", name, pod["metadata"]["namespace"])
            for volume in pod["spec"].get("volumes") or ()
            if (name := (volume.get("secret") or {}).get("secretName"))
        )

    def _run(self, pod: Manifest, stopped: threading.Event) -> None:
        """Run the containers of a pod, one after the other, and tell its status."""
        home = self.directory / pod["metadata"]["uid"]
        volumes = self._volumes(pod, home)
        told: dict[str, list[Manifest]] = {"initContainers": [], "containers": []}
        failed = False
        for kind, statuses in told.items():
            for container in pod["spec"].get(kind) or ():
                if failed or stopped.is_set():
                    break
                self._tell(pod, "Running", told)
                status = self._run_container(pod, container, home, volumes, stopped)
                statuses.append(status)
                failed = bool(status["state"]["terminated"]["exitCode"])
        if not stopped.is_set():
            self._tell(pod, "Failed" if failed else "Succeeded", told)
        shutil.rmtree(home, ignore_errors=True)

    def _volumes(self, pod: Manifest, home: Path) -> dict[str, Path]:
        """Make the directories that the pod's volumes are."""
        found = {}
        for volume in pod["spec"].get("volumes") or ():
            directory = home / "volumes" / volume["name"]
            directory.mkdir(parents=True)
            if said := volume.get("secret"):
                namespace = pod["metadata"]["namespace"]
                secret = read_object(
                    self.platform.api_server, "secrets", said["secretName"], namespace
                )
                for item in said["items"]:
                    file = directory / item["path"]
                    file.write_bytes(base64.b64decode((secret or {})["data"][item["key"]]))
                    os.chown(file, 0, pod["spec"]["securityContext"]["fsGroup"])
                    file.chmod(said["defaultMode"])
            else:
                os.chown(directory, USER, USER)
            found[volume["name"]] = directory
        return found

    def _run_container(
        self,
        pod: Manifest,
        container: Manifest,
        home: Path,
        volumes: dict[str, Path],
        stopped: threading.Event,
    ) -> Manifest:
        """Run a container to its end; its status."""
        name = container["name"]
        place = home / name
        root, log, message = place / "root", place / "log", place / "message"
        root.mkdir(parents=True)
        message.touch()
        os.chown(message, USER, USER)
        mounts = container.get("volumeMounts") or ()
        # As the kubelet: `$$` is a dollar, and there are no variables that `$(NAME)` could name.
        argv = [item.replace("$$", "$") for item in (*container["command"], *container["args"])]
        self.arguments.append(argv)
        description = Container(
            root=str(root),
            programs=self._programs(),
            mounts={item["mountPath"]: str(volumes[item["name"]]) for item in mounts},
            read_only=[item["mountPath"] for item in mounts if item.get("readOnly")],
            termination_log=str(message),
            argv=argv,
            env={item["name"]: item["value"] for item in container.get("env") or ()},
        ).save(place / "container.json")
        began = now()
        process = start(description, log)
        self._runs[pod["metadata"]["uid"]].process = process
        if stopped.is_set():
            kill_group(process, grace_seconds=0.1)
        code = process.wait()
        lines = log.read_text("utf-8", "replace").splitlines()
        self._publish(name, lines)
        ended = {
            "exitCode": code if code >= 0 else 128 - code,
            "reason": "Error" if code else "Completed",
            "startedAt": began,
            "finishedAt": now(),
        }
        text = message.read_text("utf-8", "replace")[:_MESSAGE_LIMIT]
        if code and not text and container["terminationMessagePolicy"] == "FallbackToLogsOnError":
            text = "\n".join(lines[-80:])[-_LOG_MESSAGE_LIMIT:]
        return container_status(
            container, {"terminated": ended | ({"message": text} if text else {})}
        )

    def _programs(self) -> dict[str, str]:
        """BuildKit's programs by name, and those that map users."""
        mappers = {name: path for name in uidmap.PROGRAMS if (path := uidmap.find(name))}
        found = {}
        for recipe in _RECIPES:
            artifact = self.platform.artifact(recipe)
            if artifact is None:
                raise LabError(f"This laboratory has no {recipe}: its profile must be `test`.")
            found[recipe] = artifact
        script = self.directory / "buildctl-daemonless.sh"
        shutil.copyfile(found["buildctl"].parent / DAEMONLESS, script)
        script.chmod(0o755)
        programs = {**found, **mappers, script.name: script}
        return {name: str(path) for name, path in programs.items()}

    def _publish(self, container: str, lines: list[str]) -> None:
        """Have the API server show the log."""
        if container not in BUILD_CONTAINERS:
            return
        file = build_log(self.platform.directory / "kwok", container)
        fresh = file.with_suffix(".new")
        fresh.write_text(
            "".join(f"{now(precise=True)} stdout F {line}\n" for line in lines), "utf-8"
        )
        fresh.replace(file)

    def _tell(self, pod: Manifest, phase: str, told: Mapping[str, list[Manifest]]) -> None:
        status = pod_status(pod, phase, told)
        self._call("PATCH", f"{_path(pod)}/status", {"status": status})

    def _call(self, method: str, path: str, body: Manifest) -> None:
        """Write something about a pod; one that is gone, or an API server that is, is no matter."""
        server = self.platform.api_server
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            request(
                method,
                server.url + path,
                authorization=f"Bearer {server.admin_token}",
                body=json.dumps(body).encode(),
                headers={"Content-Type": kind},
                ca_file=server.ca_file,
            )
        except OSError:
            return


def _path(pod: Manifest) -> str:
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
