"""The Job of one build with rootless BuildKit.

Source: https://github.com/moby/buildkit/blob/v0.25.1/examples/kubernetes/job.rootless.yaml
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kapsa.core.builds.amounts import resources
from kapsa.core.builds.buildkit_commands import (
    build_args,
    build_command,
    fetch_args,
    fetch_command,
)
from kapsa.core.builds.buildkit_files import (
    BUILDKITD_CONFIG,
    CA,
    DOCKER_CONFIG,
    GIT_CONFIG,
    GIT_CREDENTIALS,
    GIT_DIRECTORY,
    REGISTRY_DIRECTORY,
    SOURCE_DIRECTORY,
)
from kapsa.core.builds.metadata import metadata
from kapsa.core.builds.orders import BuildOrder

SOURCE: Final = "source"
"""The container that fetches the source."""
BUILD: Final = "build"
"""The container that builds and pushes."""

_USER: Final = 1000
"""Whom BuildKit's rootless image is made for. It can't be another one."""
_STATE: Final = "/home/user/.local/share/buildkit"
_GRACE_SECONDS: Final = 5
"""A build that is ended has nothing to save."""
_READABLE: Final = 0o440


def build_job(order: BuildOrder) -> dict[str, Any]:
    """Return the Job: one try in one pod.

    That a pod was evicted, preempted or lost with its node is told by the Job, since the pod may be
    gone by then (https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy).
    """
    meta = metadata(order)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": order.timeout,
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailJob",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    }
                ]
            },
            "template": {
                "metadata": {
                    "labels": dict(meta["labels"]),
                    "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
                },
                "spec": _pod(order),
            },
        },
    }


def _pod(order: BuildOrder) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
        },
        "initContainers": [_source_container(order)],
        "containers": [_build_container(order)],
        "volumes": [
            _secret_volume(order, "git", (GIT_CONFIG, GIT_CREDENTIALS)),
            _secret_volume(
                order,
                "registry",
                (DOCKER_CONFIG, BUILDKITD_CONFIG, *((CA,) if order.with_ca else ())),
            ),
            _empty_volume(order, "source"),
            _empty_volume(order, "state"),
        ],
    }


def _source_container(order: BuildOrder) -> dict[str, Any]:
    """Return the container that fetches the source; it may do nothing else."""
    return {
        **_container(order, SOURCE),
        "command": fetch_command(),
        "args": fetch_args(order),
        "env": _variables(
            {
                "GIT_CONFIG_GLOBAL": f"{GIT_DIRECTORY}/{GIT_CONFIG}",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_ALLOW_PROTOCOL": "https:http",
            }
        ),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "git", "mountPath": GIT_DIRECTORY, "readOnly": True},
            {"name": "source", "mountPath": SOURCE_DIRECTORY},
        ],
    }


def _build_container(order: BuildOrder) -> dict[str, Any]:
    """Return the container that builds.

    It makes user namespaces, for which the usual profiles of seccomp and AppArmor are too strict.
    """
    return {
        **_container(order, BUILD),
        "command": build_command(),
        "args": build_args(order),
        "env": _variables(
            {
                "BUILDKITD_FLAGS": "--oci-worker-no-process-sandbox"
                f" --config={REGISTRY_DIRECTORY}/{BUILDKITD_CONFIG}",
                "DOCKER_CONFIG": REGISTRY_DIRECTORY,
            }
        ),
        "securityContext": {
            "seccompProfile": {"type": "Unconfined"},
            "appArmorProfile": {"type": "Unconfined"},
        },
        "volumeMounts": [
            {"name": "registry", "mountPath": REGISTRY_DIRECTORY, "readOnly": True},
            {"name": "source", "mountPath": SOURCE_DIRECTORY, "readOnly": True},
            {"name": "state", "mountPath": _STATE},
        ],
    }


def _container(order: BuildOrder, name: str) -> dict[str, Any]:
    built: dict[str, Any] = {
        "name": name,
        "image": order.settings.buildkit_image,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if amounts := resources(order.settings.limits):
        built["resources"] = amounts
    return built


def _secret_volume(order: BuildOrder, name: str, files: Iterable[str]) -> dict[str, Any]:
    items = [{"key": file, "path": file} for file in files]
    secret = {"secretName": order.name, "items": items, "defaultMode": _READABLE}
    return {"name": name, "secret": secret}


def _empty_volume(order: BuildOrder, name: str) -> dict[str, Any]:
    limit = order.settings.limits.get("ephemeral-storage")
    return {"name": name, "emptyDir": {"sizeLimit": limit} if limit else {}}


def _variables(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
