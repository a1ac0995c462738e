"""What the API server's audit log says that the operator, and others, wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.operator import NAMESPACE, SERVICE_ACCOUNT

_OPERATOR = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
_ELECTION = "kapsa-operator"


def operator_writes(audit_log: Path, offset: int = 0) -> list[str]:
    """Return the operator's writes from a position of the log on, as `verb resource ns/name`.

    Those of the election are left out.
    """
    events = _changing(audit_log, _OPERATOR, offset)
    return [_described(one) for one in events if one["objectRef"].get("name") != _ELECTION]


def writes_of(audit_log: Path, namespace: str, service_account: str) -> list[str]:
    """Return what a ServiceAccount wrote, or tried to, as `verb resource ns/name`."""
    user = f"system:serviceaccount:{namespace}:{service_account}"
    return [_described(event) for event in _changing(audit_log, user)]


def _changing(audit_log: Path, user: str, offset: int = 0) -> list[dict[str, Any]]:
    return [
        event
        for event in _events(audit_log, offset)
        if event["user"]["username"] == user and event["stage"] == "ResponseComplete"
    ]


def _events(audit_log: Path, offset: int) -> Iterator[dict[str, Any]]:
    with audit_log.open(encoding="utf-8") as log:
        log.seek(offset)
        for line in log:
            if line.endswith("\n"):
                yield json.loads(line)


def _described(event: dict[str, Any]) -> str:
    ref = event["objectRef"]
    resource = "/".join(filter(None, (ref["resource"], ref.get("subresource"))))
    return f"{event['verb']} {resource} {ref.get('namespace', '')}/{ref.get('name', '')}"
