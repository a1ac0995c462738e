"""Finds an Environment's Jobs, and why they failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from kapsa.adapters.cluster import Cluster
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import JOBS, PODS
from kapsa.controllers.indexes import OWNER
from kapsa.controllers.reconciling.cache import Manifest, uid_of
from kapsa.controllers.state import State
from kapsa.core import labels
from kapsa.core.conditions import Blocked
from kapsa.core.jobs.completions import JobFacts, finishing_processes
from kapsa.core.jobs.job_failure import explain
from kapsa.core.jobs.jobs import Runs, job_name
from kapsa.core.jobs.live_jobs import result_of
from kapsa.core.redaction import secret_variables
from kapsa.core.workloads.configuration import Configuration
from kapsa.core.workloads.pod_trouble import trouble_of
from kapsa.core.workloads.processes import Process
from kapsa.models.environment import Environment

_LINES: Final = 20
_JOB_UID: Final = "batch.kubernetes.io/controller-uid"
"""Label of a Job's pods.

Source: https://kubernetes.io/docs/reference/labels-annotations-taints/"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Jobs:
    """Knows the Jobs of Environments.

    Attributes:
        cluster: The API.
        state: The caches.
    """

    cluster: Cluster
    state: State

    async def facts(
        self, environment: Environment, configuration: Configuration | Blocked | None
    ) -> JobFacts:
        """Return what is known of the Environment's Jobs.

        Args:
            environment: The Environment.
            configuration: What its pods get: Secrets among it must not show.

        Raises:
            AdapterError: The API server doesn't say whether a Job is there.
        """
        processes = finishing_processes(environment)
        if not processes:
            return JobFacts()
        facts = JobFacts(live=await self._live(environment, processes))
        failures = {
            str(job["metadata"]["name"]): await self._why(job, process, configuration)
            for process in processes
            for job in _newly_failed(Runs(environment, process.name, facts.live))
        }
        return replace(facts, failures=failures, troubles=self._troubles(facts.live))

    async def _live(
        self, environment: Environment, processes: Iterable[Process]
    ) -> tuple[Manifest, ...]:
        meta = environment.metadata
        found = {
            job["metadata"]["name"]: job
            for job in self.state.jobs.find(OWNER, meta.uid)
            if job["metadata"].get("namespace") == meta.namespace
        }
        for process in processes:
            for name in _names(Runs(environment, process.name)):
                # A Job that lost its label isn't watched, nor is one that the watch is late with.
                job = found.get(name) or await self.cluster.get(JOBS, name, meta.namespace)
                if job is not None and labels.controller_uid(job) == meta.uid:
                    found[name] = job
        return tuple(found.values())

    def _troubles(self, jobs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Return why pods of Jobs don't run, by the names of the Jobs."""
        return {
            str(job["metadata"]["name"]): trouble.told()
            for job in jobs
            for pod in self.state.pods.find(OWNER, job["metadata"]["uid"])
            if (trouble := trouble_of(pod)) is not None
        }

    async def _why(
        self, job: Manifest, process: Process, configuration: Configuration | Blocked | None
    ) -> str:
        secrets = (*secret_variables(process.env),)
        if isinstance(configuration, Configuration):
            secrets += configuration.secret_values
        pod: Manifest | None = None
        text: str | None = None
        try:
            pod = await self._pod(job)
            # Without knowing what is secret, nothing can be shown.
            if pod is not None and not isinstance(configuration, Blocked):
                meta = pod["metadata"]
                text = await self.cluster.pod_log(
                    meta["name"], meta["namespace"], container=process.name, lines=_LINES
                )
        except AdapterError as error:
            # No log is no reason to fail.
            log.info("the log of a Job can't be read", name=job["metadata"]["name"], why=str(error))
        return explain(job, pod, process.name, text, secrets)

    async def _pod(self, job: Manifest) -> Manifest | None:
        selector = f"{_JOB_UID}={uid_of(job)}"
        listing = await self.cluster.list_all(PODS, selector, job["metadata"]["namespace"])
        youngest = sorted(
            listing.items, key=lambda pod: str(pod["metadata"].get("creationTimestamp", ""))
        )
        return youngest[-1] if youngest else None


def _names(runs: Runs) -> tuple[str, ...]:
    """Return the names that the Jobs of the wanted and of the last run have."""
    record = runs.record
    wanted = dict.fromkeys((runs.wanted, *((record.run,) if record else ())))
    return tuple(job_name(runs.environment, runs.process, run) for run in wanted)


def _newly_failed(runs: Runs) -> list[Manifest]:
    """Return the live Jobs that failed, and of which the status doesn't say so yet."""
    record = runs.record
    told = record.run if record and record.result == "Failed" else ""
    return [
        dict(job) for run, job in runs.live.items() if run != told and result_of(job) == "Failed"
    ]
