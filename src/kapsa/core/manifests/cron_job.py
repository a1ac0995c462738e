"""The CronJob of a process that runs at times."""

from typing import Any, Final

from kapsa.core.manifests.context import WorkloadContext, metadata, object_labels
from kapsa.core.manifests.job import job_spec
from kapsa.core.workloads.processes import Process
from kapsa.utils.names import join_digested

_NAME_LIMIT: Final = 52
"""Its Jobs are called like it, with eleven characters more."""
_LATEST_START: Final = 3600
"""Seconds by which a run may begin late, after which it is left out."""


def cron_job(context: WorkloadContext, process: Process) -> dict[str, Any]:
    """Return the CronJob. One run at a time; a late one begins within the hour, or not at all.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    """
    name = join_digested(context.name, process.name, _NAME_LIMIT)
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(context, name, process.name),
        "spec": {
            "schedule": process.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _LATEST_START,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "metadata": {"labels": object_labels(context.environment, process.name)},
                "spec": job_spec(context, process),
            },
        },
    }
