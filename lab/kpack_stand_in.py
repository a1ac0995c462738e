"""A stand-in for kpack's controller and for the node that its pods run on. Nothing is built.

It creates what kpack's controller creates, by kpack's own code, and writes the status that kpack's
controller would, when a test says how a build goes. Its steps are those of pkg/reconciler/build and
pkg/reconciler/image of kpack v0.10.1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.kpack import examine
from lab.objects import read_object
from lab.platform import Platform

Manifest = dict[str, Any]

_RESOURCES = {"Build": "builds.kpack.io", "Image": "images.kpack.io", "Pod": "pods"}
_CONDITIONS = {"Build": "Succeeded", "Image": "Ready"}


@dataclass(frozen=True)
class KpackStandIn:
    """Plays kpack in one namespace.

    Attributes:
        platform: The laboratory, with kpack's CRDs.
        namespace: Where Builds and Images are.
    """

    platform: Platform
    namespace: str

    def begin(self, kind: str, name: str) -> Manifest:
        """Begin a Build, or the first Build of an Image; return the pod.

        A ServiceAccount or Secret that is missing makes it fail, as it does with kpack.
        """
        manifest = self._read(kind, name)
        account = read_object(
            self.platform.api_server,
            "serviceaccount",
            manifest["spec"]["serviceAccountName"],
            self.namespace,
        )
        if account is None:
            return self._fail_without_pod(manifest, "serviceaccounts not found")
        secrets = []
        for reference in account["secrets"]:
            secret = self._find("secret", reference["name"])
            if secret is None:
                return self._fail_without_pod(manifest, f'secrets "{reference["name"]}" not found')
            secrets.append({**secret, "apiVersion": "v1", "kind": "Secret"})
        if kind == "Image":
            (verdict,) = examine(self.platform, [*secrets, _bare(manifest)])
            build = self._create(verdict.build)
            self._report(manifest, "Unknown", f"{build['metadata']['name']} is executing",
                         latestBuildRef=build["metadata"]["name"], buildCounter=1)  # fmt: skip
        else:
            build = manifest
        (verdict,) = examine(self.platform, [*secrets, _bare(build)])
        pod = self._create(verdict.pod)
        self._report(build, "Unknown", podName=pod["metadata"]["name"])
        return pod

    def succeed(self, kind: str, name: str, digest: str) -> None:
        """End a begun build well; `digest` is that of the image that somebody has pushed."""
        manifest = self._read(kind, name)
        build = self._build_of(manifest)
        pod = self._read("Pod", build["status"]["podName"])
        steps = [item["name"] for item in pod["spec"]["initContainers"]]
        self._end(pod, "Succeeded", [{"name": step, "exitCode": 0} for step in steps])
        repository = build["spec"]["tags"][0].rpartition(":")[0]
        image = f"{repository}@{digest}"
        self._report(
            build,
            "True",
            podName=pod["metadata"]["name"],
            latestImage=image,
            stepsCompleted=steps,
        )
        if kind == "Image":
            self._report(manifest, "True", latestImage=image)

    def fail(self, kind: str, name: str, step: str, exit_code: int) -> None:
        """End a begun build: a step of its pod fails, and those after it don't begin."""
        manifest = self._read(kind, name)
        build = self._build_of(manifest)
        pod = self._read("Pod", build["status"]["podName"])
        names = [item["name"] for item in pod["spec"]["initContainers"]]
        done = names[: names.index(step)]
        ends = [{"name": item, "exitCode": 0} for item in done]
        states = self._end(pod, "Failed", [*ends, {"name": step, "exitCode": exit_code}])
        self._report(build, "False", podName=pod["metadata"]["name"], stepStates=states,
                     stepsCompleted=done)  # fmt: skip
        if kind == "Image":
            self._report(manifest, "False")

    def _build_of(self, manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Build":
            return manifest
        return self._read("Build", manifest["status"]["latestBuildRef"])

    def _fail_without_pod(self, manifest: Manifest, why: str) -> Manifest:
        self._report(manifest, "False", why)
        return {}

    def _end(self, pod: Manifest, phase: str, ends: list[Manifest]) -> list[Manifest]:
        """Write how a pod ended, as the kubelet would; return the states of its containers."""
        now = _now()
        statuses = [
            {
                "name": end["name"],
                "image": "registry.invalid/step",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {
                    "terminated": {
                        "exitCode": end["exitCode"],
                        "reason": "Error" if end["exitCode"] else "Completed",
                        "startedAt": now,
                        "finishedAt": now,
                    }
                },
            }
            for end in ends
        ]
        self._patch(pod, {"phase": phase, "initContainerStatuses": statuses})
        return [item["state"] for item in statuses]

    def _report(self, manifest: Manifest, status: str, message: str = "", **fields: Any) -> None:
        condition = {
            "type": _CONDITIONS[manifest["kind"]],
            "status": status,
            "lastTransitionTime": _now(),
        }
        if message:
            condition["message"] = message
        self._patch(manifest, {"observedGeneration": 1, **fields, "conditions": [condition]})

    def _patch(self, manifest: Manifest, status: Manifest) -> None:
        self.platform.kubectl(
            "patch",
            _RESOURCES[manifest["kind"]],
            manifest["metadata"]["name"],
            "-n",
            self.namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            json.dumps({"status": status}),
        )

    def _create(self, manifest: Manifest) -> Manifest:
        created: Manifest = json.loads(
            self.platform.kubectl("create", "-o", "json", "-f", "-", input=json.dumps(manifest))
        )
        return created

    def _find(self, kind: str, name: str) -> Manifest | None:
        return read_object(self.platform.api_server, kind, name, self.namespace)

    def _read(self, kind: str, name: str) -> Manifest:
        found = self._find(kind, name)
        if found is None:
            raise KeyError(f"{kind} {self.namespace}/{name}")
        return {**found, "kind": kind}


def _bare(manifest: Manifest) -> Manifest:
    """Return an object as its kind's Go type reads it strictly."""
    return {key: value for key, value in manifest.items() if key != "status"}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
