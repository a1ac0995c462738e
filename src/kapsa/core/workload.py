"""What a live Deployment says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kapsa.core import labels
from kapsa.core.conditions import Finding, found
from kapsa.core.manifests.context import WEB
from kapsa.models.conditions import ConditionType
from kapsa.models.reasons import Reason


@dataclass(frozen=True)
class Workload:
    """The state of a Deployment.

    Attributes:
        finding: Whether enough pods of the newest version, and none of another, are ready, and why
            not.
        complete: Whether they are.
        failed: Whether the Deployment's controller gave up waiting for them.
        image: The image of the newest version.
        commit: Its commit; nothing where none is known.
        exists: Whether there is a Deployment.
    """

    finding: Finding
    complete: bool = False
    failed: bool = False
    image: str = ""
    commit: str = ""
    exists: bool = True


def workload_of(deployment: Mapping[str, Any] | None, fewest: int | None = None) -> Workload:
    """Return the state of a live Deployment.

    Args:
        deployment: The live object; None where there is none.
        fewest: How many pods are enough, where the load decides about their number: to wait for
            more is no roll-out. None where all that are wanted have to be ready.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment
    """
    if deployment is None:
        return Workload(
            Finding(
                ConditionType.WORKLOAD_AVAILABLE,
                False,
                Reason.WORKLOAD_MISSING,
                Reason.WORKLOAD_MISSING.explanation,
            ),
            exists=False,
        )
    spec = deployment.get("spec") or {}
    template = spec.get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or ()
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    # By name: admission webhooks put containers of their own beside it.
    image = next((str(item["image"]) for item in containers if item.get("name") == WEB), "")
    commit = str(annotations.get(labels.COMMIT, ""))
    wanted, ready, complete = _count(deployment, fewest)
    name = deployment["metadata"]["name"]
    failure = None if complete else _deadline_exceeded(deployment)
    if complete:
        # The number that the load asks for changes all the time: no condition follows it.
        how_many = f"{ready} of {wanted}" if fewest is None else f"at least {min(wanted, fewest)}"
        finding = found(
            ConditionType.WORKLOAD_AVAILABLE, Reason.WORKLOAD_AVAILABLE, f"{how_many} ready"
        )
    elif failure:
        finding = Finding(
            ConditionType.WORKLOAD_AVAILABLE,
            False,
            Reason.WORKLOAD_FAILED,
            f"Deployment {name} does not get its pods ready: {failure}",
        )
    else:
        finding = Finding(
            ConditionType.WORKLOAD_AVAILABLE,
            False,
            Reason.WORKLOAD_PROGRESSING,
            f"Deployment {name}: pods are being started",
        )
    return Workload(finding, complete, bool(failure), image, commit)


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


def _deadline_exceeded(deployment: Mapping[str, Any]) -> str:
    """Return what the Deployment's controller says of a roll-out that it gave up; or nothing."""
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Progressing" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "")
    return ""
