"""How ConfigMaps and Secrets show in the pods: as variables, and as files."""

from typing import Any

from kapsa.core.workloads.configuration import Binding, Configuration
from kapsa.utils.names import with_digest


def variable_sources(configuration: Configuration) -> list[dict[str, Any]]:
    """Return what the container has variables from. Those that it is given one by one go over them.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#configure-all-key-value-pairs-in-a-configmap-as-container-environment-variables
    """
    return [
        {"secretRef" if item.kind == "Secret" else "configMapRef": {"name": item.name}}
        for item in configuration.bindings
        if item.mount_path is None
    ]


def file_volumes(configuration: Configuration) -> list[dict[str, Any]]:
    """Return the pod's volumes, one for each ConfigMap or Secret that shows as files."""
    return [
        {"name": _volume_name(item)}
        | (
            {"secret": {"secretName": item.name}}
            if item.kind == "Secret"
            else {"configMap": {"name": item.name}}
        )
        for item in _mounted(configuration)
    ]


def file_mounts(configuration: Configuration) -> list[dict[str, Any]]:
    """Return where they show in the container."""
    return [
        {"name": _volume_name(item), "mountPath": item.mount_path, "readOnly": True}
        for item in _mounted(configuration)
    ]


def _mounted(configuration: Configuration) -> tuple[Binding, ...]:
    return tuple(item for item in configuration.bindings if item.mount_path is not None)


def _volume_name(binding: Binding) -> str:
    """Return what the volume is called in the pod; other volumes begin with another word."""
    kind = "secret" if binding.kind == "Secret" else "config"
    return with_digest(f"{kind}-{binding.source}", f"{binding.kind}/{binding.source}")
