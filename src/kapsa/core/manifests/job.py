"""The Job of one run of a process."""

from collections.abc import Mapping
from typing import Any

from kapsa.core import labels
from kapsa.core.jobs.jobs import job_name
from kapsa.core.manifests.context import WorkloadContext, metadata
from kapsa.core.manifests.pod import pod_template
from kapsa.core.workloads.processes import Process


def job(
    context: WorkloadContext, process: Process, run: str, seconds: int | None = None
) -> dict[str, Any]:
    """Return the Job of a run.

    Args:
        context: What the builders of an Environment's objects are given.
        process: What runs.
        run: What it runs for; a Job can't be changed, so each run has one of its own.
        seconds: How long it may take; None for as long as it wants.
    """
    meta = metadata(context, job_name(context.environment, process.name, run), process.name)
    meta["annotations"] = {**meta.get("annotations", {}), labels.RUN: run}
    limit = {} if seconds is None else {"activeDeadlineSeconds": seconds}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta,
        "spec": job_spec(context, process) | limit,
    }


def job_spec(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return what Jobs and the template of CronJobs have in common: one try in one pod.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
    """
    template = pod_template(context, process)
    return {
        "backoffLimit": 0,
        "template": {**template, "spec": {**template["spec"], "restartPolicy": "Never"}},
    }


def kept_job(
    context: WorkloadContext, process: Process, run: str, live: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a live Job as it should be: what it is, with the names and labels that it must have.

    What it runs can't be changed, and isn't, whatever has become of the Environment since.
    """
    wanted = job(context, process, run)
    annotated = live["metadata"].get("annotations") or {}
    own = (*wanted["metadata"]["annotations"], labels.APPLIED)
    annotations = {name: annotated[name] for name in own if name in annotated}
    return {
        **wanted,
        "metadata": {**wanted["metadata"], "annotations": {**annotations, labels.RUN: run}},
        "spec": live["spec"],
    }
