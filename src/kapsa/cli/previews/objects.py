"""The objects that `kapsa preview` makes."""

import re
from dataclasses import dataclass
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.environments.own_namespace import owner_of
from kapsa.core.workloads.pod_security import namespace_labels
from kapsa.models.base import API_VERSION
from kapsa.utils.names import LABEL_LIMIT, slug, with_digest

Manifest = dict[str, Any]

_NAME: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Wanted:
    """The preview that is asked for.

    Attributes:
        name: Name of the Environment.
        namespace: Its namespace.
        image: What it runs.
        ttl: How long it lives after its last change.
        pull_request: Number of the pull request; 0 for none.
        domain_pool: The DomainPool that gives the host; nothing for no URL.
        subdomain: The name below the base domain; nothing for none.
        registry: The Registry with whose credentials the image is pulled; nothing for none.
        branch: The branch that it shows; nothing for none.
        commit: The commit that it shows; nothing for none.
        env: Variables of the application.
        port: Port that the application listens on; 0 for the default.
    """

    name: str
    namespace: str
    image: str
    ttl: str = "7d"
    pull_request: int = 0
    domain_pool: str = ""
    subdomain: str = ""
    registry: str = ""
    branch: str = ""
    commit: str = ""
    env: tuple[tuple[str, str], ...] = ()
    port: int = 0


def preview_name(name: str | None, pull_request: int | None) -> str:
    """Return the name of a preview: the one that is given, or one that the pull request has.

    Raises:
        ValueError: There is neither, or the name is none of an Environment; the message says what
            to do.
    """
    if name is None:
        if pull_request is None:
            raise ValueError("name the preview, or its pull request with --pr")
        return f"pr-{pull_request}"
    if len(name) > LABEL_LIMIT or not _NAME.fullmatch(name):
        better = slug(f"p-{name}") if not name[:1].isalpha() else slug(name)
        raise ValueError(
            f"{name!r} is no name of an Environment: up to {LABEL_LIMIT} lower-case letters, digits"
            f" and '-', a letter first and no '-' last, such as {better!r}"
        )
    return name


def own_namespace_name(name: str, around: str) -> str:
    """Return the name of the namespace that is made for a preview.

    Args:
        name: Name of the preview.
        around: The namespace that whoever makes it works in: two teams that call a preview the
            same don't get the same namespace.
    """
    return with_digest(f"kapsa-{name}", f"preview\n{around}/{name}")


def environment(wanted: Wanted) -> Manifest:
    """Return the Environment."""
    spec: Manifest = {"type": "preview", "image": wanted.image, "ttl": wanted.ttl}
    if wanted.registry:
        spec["registry"] = {"name": wanted.registry}
    if wanted.branch:
        spec["branch"] = wanted.branch
    if wanted.commit:
        spec["commit"] = wanted.commit
    if wanted.pull_request:
        spec["pullRequest"] = {"number": wanted.pull_request}
    if wanted.domain_pool:
        spec["domain"] = {"domainPoolRef": {"name": wanted.domain_pool}}
        if wanted.subdomain:
            spec["domain"]["subdomain"] = wanted.subdomain
    runtime: Manifest = {}
    if wanted.port:
        runtime["ports"] = [{"containerPort": wanted.port}]
    if wanted.env:
        runtime["env"] = [{"name": name, "value": value} for name, value in wanted.env]
    if runtime:
        spec["runtime"] = runtime
    return {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        "spec": spec,
    }


def namespace(name: str, owner: str, owner_uid: str = "") -> Manifest:
    """Return the namespace of its own that a preview has.

    Once it carries the UID of the Environment, the operator deletes it when that is gone.

    Args:
        name: Its name.
        owner: Name of the Environment in it.
        owner_uid: UID of the Environment; nothing as long as there is none.
    """
    uid = {labels.OWNER_UID: owner_uid} if owner_uid else {}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                **labels.MANAGED,
                **uid,
                labels.ENVIRONMENT: owner,
                **namespace_labels(),
            },
            "annotations": {labels.OWNER: owner_of(name, owner)},
        },
    }


def lifetime_annotation(live: Manifest, key: str, value: str) -> Manifest:
    """Return what sets an annotation of a live Environment, and nothing else."""
    metadata = live["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "annotations": {key: value},
        },
    }
