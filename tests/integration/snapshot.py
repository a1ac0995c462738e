"""The state of a Project and all that it became, comparable between two runs."""

import re
from collections.abc import Mapping
from typing import Any

from lab.scenario import Application

_KINDS = "projects,environments,deployments,services,ingresses"
_OF_ONE_RUN = {
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "clusterIP",
    "clusterIPs",
    "lastTransitionTime",
    "lastUpdateTime",
    "lastPollTime",
    "nextPollTime",
    "firstSeen",
    "shortSha",
    "activeSince",
    "lastActivityAt",
    "expiresAt",
    "time",
    "kubectl.kubernetes.io/last-applied-configuration",
    # Names a ReplicaSet, whose name has a digest of all that differs between two runs.
    "message",
    "kapsa-project.io/applied",
    "kapsa-project.io/owner-uid",
    "holderIdentity",
    # The way there, which a crash may well make longer.
    "history",
}


def snapshot(app: Application, names: Mapping[str, str]) -> dict[str, Any]:
    """Return all objects of the application, without what differs from run to run.

    Args:
        app: The application.
        names: What stands for texts that differ, such as the SHA of a commit.
    """
    project = app.get("project", app.name)
    assert project is not None
    made = project["status"]["namespace"]
    texts = {made: "<namespace>", app.namespace: "<team>", **names}
    items = [project]
    items += app.list(_KINDS, fieldSelector=f"metadata.namespace={made}")
    items += app.list("leases", labelSelector="kapsa-project.io/claim")
    namespace = app.get("namespace", made, "")
    assert namespace is not None
    items.append(namespace)
    cleaned = [_cleaned(item, texts) for item in items]
    return {f"{item['kind']} {item['metadata']['name']}": item for item in cleaned}


def _cleaned(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            _named(key, texts): _cleaned(item, texts)
            for key, item in value.items()
            if key not in _OF_ONE_RUN and not key.startswith(('k:{"uid"', "f:kapsa"))
        }
    if isinstance(value, list):
        items = [_cleaned(item, texts) for item in value]
        return sorted(items, key=repr) if all(isinstance(item, dict) for item in items) else items
    return _named(value, texts) if isinstance(value, str) else value


def _named(text: str, texts: Mapping[str, str]) -> str:
    for found, name in texts.items():
        text = text.replace(found, name)
    return re.sub(r"127\.0\.0\.1:\d+", "<host>", text)


def differences(found: Any, expected: Any, path: str = "") -> list[str]:
    """Return where two snapshots differ, one line each."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return [
            line
            for key in sorted({*found, *expected})
            for line in differences(found.get(key), expected.get(key), f"{path}.{key}")
        ]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return [
            line
            for index, (one, other) in enumerate(zip(found, expected, strict=True))
            for line in differences(one, other, f"{path}[{index}]")
        ]
    return [] if found == expected else [f"{path}: {found!r} != {expected!r}"]
