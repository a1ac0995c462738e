"""What of an Environment runs to completion, all together: its release, jobs and crons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kapsa.core.conditions import Blocked, Finding, found
from kapsa.core.drift import stamp
from kapsa.core.jobs.jobs import Decision, Runs, decide_job
from kapsa.core.jobs.live_jobs import counts, has_container
from kapsa.core.jobs.releases import RELEASE, Release, release_of, release_process
from kapsa.core.manifests.context import WorkloadContext
from kapsa.core.manifests.cron_job import cron_job
from kapsa.core.manifests.job import job, kept_job
from kapsa.core.workloads.processes import Process, processes_of
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment, JobRun
from kapsa.models.reasons import Reason

Manifest = Mapping[str, Any]

_NEEDED_BY_PODS: Final = frozenset({"ConfigMap", "Secret", "PersistentVolumeClaim"})


@dataclass(frozen=True)
class JobFacts:
    """What is known of an Environment's Jobs.

    Attributes:
        live: Its live Jobs.
        failures: Why Jobs failed, by their names, where that was looked into.
        troubles: Why pods of Jobs don't run, by the names of the Jobs.
    """

    live: tuple[Manifest, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Completions:
    """What becomes of all that runs to completion.

    Attributes:
        release: The release; None where there is none.
        jobs: Each process of kind `job`, with what becomes of it.
        crons: The processes of kind `cron`.
        lasts: Whether a process runs until it is stopped.
        troubles: Why pods of Jobs don't run, by the names of the Jobs.
    """

    release: Release | None = None
    jobs: tuple[tuple[Process, Decision], ...] = ()
    crons: tuple[Process, ...] = ()
    lasts: bool = True
    troubles: Mapping[str, str] = field(default_factory=dict)

    @property
    def obstacle(self) -> Blocked | None:
        """Why the roll-out has to wait; None where it needn't."""
        return self.release.obstacle if self.release else None

    @property
    def failed(self) -> tuple[Decision, ...]:
        """The jobs that failed."""
        return tuple(item for _, item in self.jobs if item.result == "Failed")

    @property
    def done(self) -> bool:
        """Whether every job has succeeded; so it is where there are none."""
        return all(item.result == "Succeeded" for _, item in self.jobs)

    @property
    def ends(self) -> bool:
        """Whether the Environment comes to an end: it is there for its jobs only."""
        return bool(self.jobs) and not self.lasts and not self.crons

    @property
    def obsolete(self) -> tuple[Manifest, ...]:
        """Live Jobs of former runs that have to go before others can start."""
        if self.release is not None and self.obstacle is not None:
            return self.release.decision.obsolete if self.release.decision else ()
        return tuple(former for _, item in self.jobs for former in item.obsolete)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The conditions of the release and of the jobs, as far as there are any."""
        release = (self.release.finding,) if self.release else ()
        return (*release, *((self._of_jobs(),) if self.jobs else ()))

    def _of_jobs(self) -> Finding:
        type_ = ConditionType.JOBS_SUCCEEDED
        for item in self.failed:
            message = item.record.message if item.record else ""
            return Finding(
                type_, False, Reason.JOB_FAILED, f"process {item.process} failed; {message}"
            )
        running = [item for _, item in self.jobs if item.result == "Running"]
        if running:
            names = ", ".join(item.process for item in running)
            troubles = (self.troubles.get(item.name, "") for item in running)
            message = f"process {names} has not run to completion yet"
            message = "; ".join(filter(None, (message, *troubles)))
            return Finding(type_, False, Reason.JOB_RUNNING, message)
        return found(type_, Reason.JOBS_SUCCEEDED)

    def release_objects(self, context: WorkloadContext) -> Iterator[dict[str, Any]]:
        """Yield the release's Job, and those of former ones that are let run to their end."""
        release = self.release
        if release is None:
            return
        decision = release.decision
        if decision is not None and decision.starts:
            yield stamp(job(context, release.process, decision.run, release.seconds))
        for run, live in release.runs.live.items():
            is_this = decision is not None and decision.run == run
            if counts(live) and (is_this or has_container(live)):
                yield kept_job(context, release.process, run, live)

    def objects(self, context: WorkloadContext) -> Iterator[dict[str, Any]]:
        """Yield the Jobs and CronJobs of the processes."""
        for process, decision in self.jobs:
            if decision.job is not None:
                yield kept_job(context, process, decision.run, decision.job)
            elif decision.starts:
                yield stamp(job(context, process, decision.run))
        yield from cron_objects(context)

    def records(
        self, previous: Sequence[JobRun], live: Mapping[tuple[str, str], Manifest]
    ) -> tuple[JobRun, ...]:
        """Return what the status is to remember of the last runs.

        Args:
            previous: What it remembers.
            live: The live objects by kind and name: a Job that couldn't be made is no run.
        """
        decisions = [item for _, item in self.jobs]
        if self.release is not None:
            decisions.insert(0, self.release.decision or Decision(RELEASE))
        before = {item.process: item for item in previous}
        told = (_record(item, before.get(item.process), live) for item in decisions)
        return tuple(item for item in told if item is not None)


NOTHING: Final = Completions()


def completions_of(environment: Environment, facts: JobFacts, since: float | None) -> Completions:
    """Return what becomes of what runs to completion.

    Args:
        environment: The Environment; one without an image runs nothing yet.
        facts: What is known of its Jobs.
        since: Unix time since which it lives; None where that isn't known.
    """
    if not environment.spec.image:
        return NOTHING
    processes = processes_of(environment.spec.runtime)

    def runs(process: str) -> Runs:
        return Runs(environment, process, facts.live, facts.failures)

    return Completions(
        release=release_of(runs(RELEASE), since, facts.troubles),
        jobs=tuple(
            (process, decide_job(runs(process.name)))
            for process in processes
            if process.kind == "job"
        ),
        crons=tuple(process for process in processes if process.kind == "cron"),
        lasts=any(process.lasts for process in processes),
        troubles=facts.troubles,
    )


def finishing_processes(environment: Environment) -> tuple[Process, ...]:
    """Return the release and the jobs of an Environment that has an image."""
    if not environment.spec.image:
        return ()
    runtime = environment.spec.runtime
    release = release_process(runtime)
    jobs = (process for process in processes_of(runtime) if process.kind == "job")
    return (*((release,) if release else ()), *jobs)


def cron_objects(context: WorkloadContext) -> Iterator[dict[str, Any]]:
    """Yield the CronJobs of an Environment."""
    for process in processes_of(context.environment.spec.runtime):
        if process.kind == "cron":
            yield stamp(cron_job(context, process))


def is_needed_by_pods(manifest: Manifest) -> bool:
    """Tell whether pods can't start without the object."""
    return manifest["kind"] in _NEEDED_BY_PODS


def _record(
    decision: Decision, before: JobRun | None, live: Mapping[tuple[str, str], Manifest]
) -> JobRun | None:
    """Return what is to be remembered of a process' last run; None for nothing."""
    if decision.record is not None:
        return decision.record
    made = live.get(("Job", decision.name)) if decision.starts else None
    if made is not None:
        return JobRun(
            process=decision.process,
            run=decision.run,
            result="Running",
            started_at=made["metadata"].get("creationTimestamp"),
        )
    # What is ended half-way never ran, as far as anybody has to know.
    return None if decision.obsolete else before
