"""The lasting processes of an Environment, all together: their Deployments and their pods."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.conditions import Finding, find, found
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.redaction import secret_variables
from kapsa.core.workloads.pod_trouble import Trouble, trouble_of
from kapsa.core.workloads.processes import MAIN, Process, processes_of
from kapsa.core.workloads.workload import Workload, no_workload, workload_of
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment
from kapsa.models.meta import Condition
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

Manifest = Mapping[str, Any]

_HASH: Final = "pod-template-hash"
_TROUBLED: Final = frozenset({Reason.PODS_FAILING, Reason.WORKLOAD_FAILED})
_WORST_FIRST: Final[tuple[str, ...]] = (
    Reason.WORKLOAD_FAILED,
    Reason.PODS_FAILING,
    Reason.WORKLOAD_PROGRESSING,
    Reason.WORKLOAD_MISSING,
    Reason.WORKLOAD_AVAILABLE,
)


@dataclass(frozen=True)
class Live:
    """What there is of an Environment's lasting processes.

    Attributes:
        deployments: The live Deployments by name.
        pods: The pods in the Environment's namespace that say they are its, each trimmed.
        secrets: The content of the Environment's Secrets; None where it is not known, and nothing
            that its containers wrote may show.
    """

    deployments: Mapping[str, Manifest]
    pods: Sequence[Manifest] = ()
    secrets: Sequence[str] | None = None


def workload_of_environment(environment: Environment, live: Live, *, is_held: bool) -> Workload:
    """Return the state of all Deployments together; the worst one speaks for all.

    Args:
        environment: Whose they are. What its status said of a trouble is repeated while nothing
            has changed but words: they may be others with each restart.
        live: What there is.
        is_held: Whether something blocks what is wanted: then what there is counts, and not what
            there should be.
    """
    names = WorkloadContext(environment=environment, image="").name_of
    processes = processes_of(environment.spec.runtime)
    wanted = {names(process): process for process in processes if process.lasts}
    if is_held and live.deployments:
        wanted = {name: wanted.get(name) or _former(it) for name, it in live.deployments.items()}
    if not wanted:
        return _nothing_lasts(environment, is_held=is_held)
    before = find(environment.status.conditions, ConditionType.WORKLOAD_AVAILABLE)
    if before is not None and before.observed_generation != environment.metadata.generation:
        before = None
    return _together(
        {process.name: _state(name, process, live, before) for name, process in wanted.items()}
    )


def _former(deployment: Manifest) -> Process:
    """Return the process of a Deployment that is not wanted any more."""
    return Process(_label(deployment, labels.PROCESS) or MAIN)


def _nothing_lasts(environment: Environment, *, is_held: bool) -> Workload:
    """Return the state where no process runs until it is stopped: it is as it should be."""
    which = environment.status if is_held else environment.spec
    return Workload(
        found(
            ConditionType.WORKLOAD_AVAILABLE,
            Reason.WORKLOAD_AVAILABLE,
            "no process is to run all the time",
        ),
        complete=bool(which.image),
        image=which.image or "",
        commit=which.commit or "",
        exists=bool(which.image),
    )


def _together(states: Mapping[str, Workload]) -> Workload:
    parts = tuple(states.values())
    first, *others = dict.fromkeys((part.image, part.commit) for part in parts)
    image, commit = first if not others else ("", "")
    complete = all(part.complete for part in parts)
    return Workload(
        finding=_mixed() if complete and others else _finding(states),
        complete=complete and not others,
        failed=any(part.failed for part in parts),
        broken=any(part.broken for part in parts),
        image=image,
        commit=commit,
        exists=any(part.exists for part in parts),
        ready=frozenset().union(*(part.ready for part in parts)),
    )


def _finding(states: Mapping[str, Workload]) -> Finding:
    """Return the worst finding; where all is well, what there is of each process."""
    findings = [part.finding for part in states.values()]
    worst = min(findings, key=lambda finding: _WORST_FIRST.index(finding.reason))
    if not worst.status or len(states) == 1:
        return worst
    said = ", ".join(f"{name}: {part.finding.message}" for name, part in states.items())
    return replace(worst, message=said)


def _mixed() -> Finding:
    return Finding(
        ConditionType.WORKLOAD_AVAILABLE,
        False,
        Reason.WORKLOAD_PROGRESSING,
        "some processes run another version than the others",
    )


def _state(name: str, process: Process, live: Live, before: Condition | None) -> Workload:
    pods = [pod for pod in live.pods if _is_of(pod, name, process)]
    was_troubled = before is not None and before.reason in _TROUBLED
    deployment = live.deployments.get(name)
    if deployment is None:
        return no_workload(name)
    which, worst = _worst(pods, was_troubled=was_troubled)
    head = f"process {process.name}{which}: {worst.head}" if worst else ""
    # What a former version was given may have been another secret.
    is_known = live.secrets is not None and not which
    secrets = (*(live.secrets or ()), *secret_variables(process.env)) if is_known else None
    text = worst.details(secrets) if worst else ""
    state = workload_of(
        deployment,
        process.name,
        fewest=process.autoscaler.min_replicas if process.autoscaler else None,
        trouble=sanitise(": ".join(filter(None, (head, text)))),
    )
    finding = state.finding
    if before is None or before.reason != finding.reason or not head:
        return state
    # Words that were missing, since nobody knew what must not show, are said once they are there.
    is_more = before.message == head
    if _begins(finding.message, head) and _begins(before.message, head) and not is_more:
        return replace(state, finding=replace(finding, message=before.message))
    return state


def _begins(text: str, head: str) -> bool:
    return text == head or text.startswith(f"{head}: ")


def _worst(pods: Iterable[Manifest], *, was_troubled: bool) -> tuple[str, Trouble | None]:
    """Return the worst trouble of a process' pods, and which of them have it.

    Pods of the newest version count first. One that has ended, and is ready at the moment, counts
    only while the trouble that it had has not been seen to pass.
    """
    newest, former = _by_version(pods)
    for which, those in (("", newest), (", a pod of a former version", former)):
        troubles = [
            trouble
            for trouble in map(trouble_of, those)
            if trouble is not None and (was_troubled or not trouble.is_past)
        ]
        if troubles:
            worst = min(troubles, key=lambda trouble: (trouble.is_past, trouble.head))
            return which, worst
    return "", None


def _by_version(pods: Iterable[Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    """Return the pods of the version that the youngest one is of, and the others."""
    youngest_first = sorted(
        pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True
    )
    if not youngest_first:
        return [], []
    newest = _label(youngest_first[0], _HASH)
    return (
        [pod for pod in youngest_first if _label(pod, _HASH) == newest],
        [pod for pod in youngest_first if _label(pod, _HASH) != newest],
    )


def _is_of(pod: Manifest, deployment: str, process: Process) -> bool:
    """Tell whether a pod is of a Deployment: of the process, and owned by a ReplicaSet of it.

    Anybody may put labels on a pod. A ReplicaSet is called like its Deployment and the hash of the
    template that its pods have.
    """
    if _label(pod, labels.PROCESS) != process.name:
        return False
    replica_set = f"{deployment}-{_label(pod, _HASH)}"
    return any(
        (owner.get("kind"), owner.get("name")) == ("ReplicaSet", replica_set)
        for owner in pod["metadata"].get("ownerReferences") or ()
    )


def _label(pod: Manifest, name: str) -> str:
    return str((pod["metadata"].get("labels") or {}).get(name, ""))
