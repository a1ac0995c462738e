"""Why a pod doesn't run, as its status says it.

A container that ends again and again changes its pod's status with each start. What is said of it
here stays the same meanwhile, so that nothing is written for it but once.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from kapsa.core.builds.build_pods import ending
from kapsa.core.redaction import all_forms
from kapsa.utils.text import last_lines, sanitise

Manifest = Mapping[str, Any]

TROUBLE: Final = "trouble"
"""Field of a trimmed pod: its trouble."""

_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "ownerReferences",
)
_CRASHING: Final = "CrashLoopBackOff"
_PULLING: Final = "ImagePullBackOff"
_ALIKE: Final = {"ErrImagePull": _PULLING, "RunContainerError": _CRASHING}
"""What the kubelet says by turns with something else, and that."""
_HARMLESS: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons to wait that every container has at its start."""
_ENDED: Final = frozenset({"Failed", "Succeeded"})
"""Phases of pods that others have taken the place of."""
_BACK_OFF: Final = re.compile(r"^Back-off pulling image \"[^\"]*\"(: ErrImagePull)?(: )?")
_TEXT_LIMIT: Final = 400
_LINES_LIMIT: Final = 700
_LOG_END: Final = 2048
"""How many bytes the kubelet takes of the end of a log, wherever a line begins.

Source: https://pkg.go.dev/k8s.io/kubernetes/pkg/kubelet/container#pkg-constants"""
_NAME_LIMIT: Final = 63


@dataclass(frozen=True)
class Trouble:
    """Why a pod doesn't run.

    Attributes:
        reason: The kubelet's or scheduler's word for it.
        container: The container; nothing where it is the pod as a whole.
        ending: How the container ended; nothing where it didn't.
        text: What else Kubernetes says of it, which may change by the hour.
        output: The end of what the container wrote, as it is: there may be secrets in it.
        is_past: Whether the container is ready at the moment: until it ends again, if it does.
    """

    reason: str
    container: str = ""
    ending: str = ""
    text: str = ""
    output: str = ""
    is_past: bool = False

    @property
    def head(self) -> str:
        """What stays the same as long as it is the same trouble."""
        where = f"container {self.container}" if self.container else ""
        return ": ".join(filter(None, (where, self.reason, self.ending)))

    def details(self, secrets: Iterable[str] | None = None) -> str:
        """Return what may change while it is the same trouble, on one line.

        Args:
            secrets: Values that must not show, in no form. None where nobody knows them: then
                nothing shows that the container wrote.
        """
        if secrets is None or not self.output:
            return self.text
        return last_lines(self.output, _LINES_LIMIT, all_forms(secrets))

    def told(self) -> str:
        """Return it on one line, without what the container wrote."""
        return ": ".join(filter(None, (self.head, self.text)))


def trim_pod(manifest: Manifest) -> dict[str, Any]:
    """Return what is kept of a pod: its names, labels, owner, and its trouble if it has one.

    Of one that builds, how it ended too.
    """
    metadata = {
        name: manifest["metadata"][name] for name in _METADATA if name in manifest["metadata"]
    }
    kept = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **ending(manifest)}
    trouble = find_trouble(manifest)
    return kept | ({TROUBLE: asdict(trouble)} if trouble else {})


def trouble_of(trimmed: Manifest | None) -> Trouble | None:
    """Return the trouble of a trimmed pod; None where it has none, or there is no pod."""
    said = (trimmed or {}).get(TROUBLE)
    return Trouble(**said) if said else None


def find_trouble(pod: Manifest) -> Trouble | None:
    """Return why a pod doesn't run; None where it does, or may yet, or is on its way out."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") in _ENDED:
        return None
    is_kept_running = (pod.get("spec") or {}).get("restartPolicy", "Always") == "Always"
    found = [
        *(_of_container(item, may_end=True) for item in status.get("initContainerStatuses") or ()),
        *(
            _of_container(item, may_end=not is_kept_running)
            for item in status.get("containerStatuses") or ()
        ),
        _of_scheduling(status),
    ]
    return min(filter(None, found), key=lambda trouble: trouble.is_past, default=None)


def _of_scheduling(status: Manifest) -> Trouble | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            reason = str(condition.get("reason") or "Unschedulable")
            return Trouble(_name(reason), text=_text(condition.get("message")))
    return None


def _of_container(status: Manifest, *, may_end: bool) -> Trouble | None:
    """Return the trouble of a container by its state, and by how it ended the last time.

    One that has ended before, and is not ready or has no probe that would tell, may end again the
    next moment: so it is still in the same trouble.
    """
    state, name = status.get("state") or {}, _name(status.get("name"))
    waiting = state.get("waiting") or {}
    said = str(waiting.get("reason") or "")
    reason = _ALIKE.get(said, said)
    end = state.get("terminated") or (status.get("lastState") or {}).get("terminated")
    if end and reason in (*_HARMLESS, _CRASHING):
        if may_end and not end.get("exitCode"):
            return None
        is_past = bool(status.get("ready"))
        output = _whole_lines(str(end.get("message") or ""))
        return Trouble(_CRASHING, name, _ending(end), output=output, is_past=is_past)
    if reason in _HARMLESS:
        return None
    # The message of a back-off says how long it is, which grows.
    text = "" if said == _CRASHING else _BACK_OFF.sub("", str(waiting.get("message") or ""))
    return Trouble(_name(reason), name, text=_text(text))


def _ending(end: Manifest) -> str:
    reason = _name(end.get("reason"))
    return f"it ended with exit code {end.get('exitCode', 0)}" + (f" ({reason})" if reason else "")


def _whole_lines(output: str) -> str:
    """Leave the first line out where it may have been cut: nobody would know half a secret."""
    if len(output.encode(errors="replace")) < _LOG_END:
        return output
    return output.partition("\n")[2]


def _text(said: object) -> str:
    return sanitise(str(said or ""), _TEXT_LIMIT)


def _name(said: object) -> str:
    return sanitise(str(said or ""), _NAME_LIMIT)
