"""Refuses every Kubernetes cluster that is not the laboratory's own."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from lab.errors import ForeignContextError

CONTEXT = "kapsa-lab"
_LOCAL_CLUSTERS = ("kind-", "k3d-")


def require_lab_context(kubeconfig: Path, *, allow_local_clusters: bool = False) -> None:
    """Returns if the kubeconfig's current context is the laboratory's own, on this machine.

    With `allow_local_clusters` the contexts `kind-*` and `k3d-*` pass too. Raises
    ForeignContextError otherwise, also for a file that can't be read: tests create and delete
    without asking, so a doubt means no.
    """
    context, server = _current(kubeconfig)
    ours = context == CONTEXT
    local = allow_local_clusters and context.startswith(_LOCAL_CLUSTERS)
    if not ours and not local:
        raise ForeignContextError(
            f"{kubeconfig} points at the context {context!r}, which is not the laboratory's. "
            "Nothing was done. Start a laboratory with `python -m lab up` and use its kubeconfig."
        )
    if not _is_this_machine(server):
        raise ForeignContextError(
            f"The context {context!r} in {kubeconfig} points at {server}, which is not an "
            "address of this machine. Nothing was done."
        )


def _current(kubeconfig: Path) -> tuple[str, str]:
    try:
        config = yaml.safe_load(kubeconfig.read_text("utf-8"))
        name = str(config["current-context"])
        context = _named(config["contexts"], name)["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        if "proxy-url" in cluster:
            raise ForeignContextError(f"{kubeconfig} reaches {name!r} through a proxy.")
        return name, str(cluster["server"])
    except (OSError, yaml.YAMLError, LookupError, TypeError) as error:
        raise ForeignContextError(f"{kubeconfig} is not a usable kubeconfig: {error!r}.") from error


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    # kubectl takes the first of several entries with the same name.
    return next(iter([entry for entry in entries if entry["name"] == name]), {})


def _is_this_machine(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # k3d publishes on, and writes down, the unspecified address.
    return address.is_loopback or address.is_unspecified
