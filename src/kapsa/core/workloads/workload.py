"""What a live Deployment says of itself."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.conditions import Finding, found
from kapsa.core.workloads.processes import MAIN
from kapsa.models.conditions import ConditionType
from kapsa.models.reasons import Reason

_NAME_OF_A_POD: Final = re.compile(r'^pods "[^"]*" is forbidden: ')
"""How the API server begins its refusal of a pod, which has another name each time."""


@dataclass(frozen=True)
class Workload:
    """The state of a Deployment, or of all of an Environment.

    Attributes:
        finding: Whether enough pods of the newest version, and none of another, are ready, and why
            not.
        complete: Whether they are.
        failed: Whether the Deployment's controller gave up waiting for them.
        broken: Whether the version ran, and its pods fail now.
        image: The image of the newest version.
        commit: Its commit; nothing where none is known.
        exists: Whether there is a Deployment.
        ready: Names of the Deployments that are complete.
    """

    finding: Finding
    complete: bool = False
    failed: bool = False
    broken: bool = False
    image: str = ""
    commit: str = ""
    exists: bool = True
    ready: frozenset[str] = frozenset()


def workload_of(
    deployment: Mapping[str, Any] | None,
    process: str = MAIN,
    *,
    fewest: int | None = None,
    trouble: str = "",
) -> Workload:
    """Return the state of a live Deployment.

    Args:
        deployment: The live object; None where there is none.
        process: Name of its process, and of the process' container.
        fewest: How many pods are enough, where the load decides about their number: to wait for
            more is no roll-out. None where all that are wanted have to be ready.
        trouble: Why pods of it don't run; nothing where they do, or nobody knows.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment
    """
    if deployment is None:
        return no_workload()
    spec = deployment.get("spec") or {}
    template = spec.get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    wanted, ready, complete = _count(deployment, fewest)
    name = deployment["metadata"]["name"]
    if complete:
        # The number that the load asks for changes all the time: no condition follows it.
        how_many = f"{ready} of {wanted}" if fewest is None else f"at least {min(wanted, fewest)}"
        finding = found(
            ConditionType.WORKLOAD_AVAILABLE, Reason.WORKLOAD_AVAILABLE, f"{how_many} ready"
        )
    else:
        ours = next((item for item in containers if item.get("name") == process), None)
        finding = _what_is_missing(deployment, trouble, _awaited(ours or {}))
    return Workload(
        finding,
        complete,
        failed=finding.reason == Reason.WORKLOAD_FAILED,
        broken=finding.reason == Reason.PODS_FAILING and _was_rolled_out(deployment),
        # By name: admission webhooks put containers of their own beside it.
        image=next((str(item["image"]) for item in containers if item.get("name") == process), ""),
        commit=str(annotations.get(labels.COMMIT, "")),
        ready=frozenset({name} if complete else ()),
    )


def no_workload(name: str = "") -> Workload:
    """Return the state of a Deployment that isn't there; without a name, of any at all."""
    reason = Reason.WORKLOAD_MISSING
    message = f"Deployment {name} does not exist yet" if name else reason.explanation
    finding = Finding(ConditionType.WORKLOAD_AVAILABLE, False, reason, message)
    return Workload(finding, exists=False)


def _what_is_missing(deployment: Mapping[str, Any], trouble: str, awaited: str) -> Finding:
    name = deployment["metadata"]["name"]
    refused, given_up = _refused(deployment), _deadline_exceeded(deployment)
    if refused:
        trouble = f"Deployment {name} can't make its pods: {refused}"
    if given_up:
        reason = Reason.WORKLOAD_FAILED
        message = trouble or f"Deployment {name} does not get its pods ready: {given_up}"
        message += f" They are ready {awaited}" if awaited and not trouble else ""
    elif trouble:
        reason, message = Reason.PODS_FAILING, trouble
    else:
        reason = Reason.WORKLOAD_PROGRESSING
        message = f"Deployment {name}: pods are being started"
        message += f", and are ready {awaited}" if awaited else ""
    return Finding(ConditionType.WORKLOAD_AVAILABLE, False, reason, message)


def _awaited(container: Mapping[str, Any]) -> str:
    """Return when the kubelet takes a container for ready; nothing where no probe tells it.

    That the application listens elsewhere is the most frequent reason why it never is.
    """
    probe = container.get("readinessProbe") or {}
    asked = probe.get("httpGet") or probe.get("tcpSocket") or {}
    if not asked:
        return ""
    ports = {item.get("name"): item["containerPort"] for item in container.get("ports") or ()}
    port = ports.get(asked.get("port"), asked.get("port"))
    if "httpGet" in probe:
        return f"once GET {asked.get('path', '/')} at port {port} succeeds"
    return f"once port {port} accepts connections"


def is_rolled_out(
    wanted: Iterable[Mapping[str, Any]], deployments: Iterable[Mapping[str, Any]]
) -> bool:
    """Tell whether no pod of a former version is left that may have to start once more.

    Args:
        wanted: The objects that are to stay.
        deployments: Live Deployments, of which those count that are to stay.
    """
    names = {item["metadata"]["name"] for item in wanted if item["kind"] == "Deployment"}
    return all(
        workload_of(live).complete for live in deployments if live["metadata"]["name"] in names
    )


def _count(deployment: Mapping[str, Any], fewest: int | None) -> tuple[int, int, bool]:
    """Return how many pods are wanted, how many are available, and whether the roll-out is done."""
    status = deployment.get("status") or {}
    wanted = int((deployment.get("spec") or {}).get("replicas", 1))
    available = int(status.get("availableReplicas") or 0)
    present = int(status.get("replicas") or 0)
    complete = (
        int(status.get("observedGeneration") or 0)
        >= int(deployment["metadata"].get("generation") or 0)
        and int(status.get("updatedReplicas") or 0) == present
        and (present == available == wanted if fewest is None else available >= min(wanted, fewest))
    )
    return wanted, available, complete


def _conditions(deployment: Mapping[str, Any], type_: str) -> Iterator[Mapping[str, Any]]:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") == type_:
            yield condition


def _deadline_exceeded(deployment: Mapping[str, Any]) -> str:
    """Return what the Deployment's controller says of a roll-out that it gave up; or nothing."""
    for condition in _conditions(deployment, "Progressing"):
        if condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "")
    return ""


def _refused(deployment: Mapping[str, Any]) -> str:
    """Return why the API server takes no pods of the Deployment, as quotas do; or nothing."""
    for condition in _conditions(deployment, "ReplicaFailure"):
        if condition.get("status") == "True":
            said = str(condition.get("message") or condition.get("reason") or "")
            return _NAME_OF_A_POD.sub("", said)
    return ""


def _was_rolled_out(deployment: Mapping[str, Any]) -> bool:
    return any(
        condition.get("reason") == "NewReplicaSetAvailable"
        for condition in _conditions(deployment, "Progressing")
    )
