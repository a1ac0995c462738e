"""What runs to completion, once per image: which run is wanted, and what became of it.

A run is remembered by the status, and until that has it by its Job. Both count, so that neither a
Job that somebody deleted, nor an operator that was killed before it wrote the status, has a command
run twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.jobs.live_jobs import counts, ended_at, failure_of, has_container, result_of
from kapsa.models.environment import Environment, JobRun, RunResult
from kapsa.utils.hashing import text_digest
from kapsa.utils.names import with_digest

Manifest = Mapping[str, Any]

_IMAGE_DIGITS: Final = 16
_REQUEST_DIGITS: Final = 12

_LOST: Final = (
    "its Job was deleted before its end was seen, and is not run again by itself; set the"
    f" annotation {labels.REQUESTED_AT} to the present time to run it again"
)


@dataclass(frozen=True)
class Runs:
    """The runs of one process, as far as they are known.

    Attributes:
        environment: The Environment, with the image that is wanted.
        process: Name of the process.
        jobs: The Environment's live Jobs, of any process.
        failures: Why Jobs failed, by their names, where that was looked into.
    """

    environment: Environment
    process: str
    jobs: tuple[Manifest, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> str:
        """What the process should run for now."""
        return run_id(self.environment.spec.image or "", self.requested)

    @property
    def requested(self) -> str:
        """When a person last asked for it; nothing where nobody did."""
        return labels.requested_at(self.environment.metadata.annotations)

    @property
    def record(self) -> JobRun | None:
        """The last run, as the status remembers it."""
        found = (run for run in self.environment.status.jobs if run.process == self.process)
        return next(found, None)

    @property
    def live(self) -> dict[str, Manifest]:
        """The live Jobs of the process by what they run for."""
        found = ((self._run_of(job), job) for job in self.jobs)
        return {run: job for run, job in found if run is not None}

    @property
    def unfinished(self) -> tuple[Manifest, ...]:
        """The live Jobs of the process that have not ended."""
        return tuple(job for job in self.live.values() if result_of(job) == "Running")

    def known(self) -> dict[str, JobRun]:
        """Return what is known of the runs for the image that is wanted, by what they are for."""
        image = self.environment.spec.image or ""
        return {run: told for run, told in self.all().items() if is_of_image(run, image)}

    def all(self) -> dict[str, JobRun]:
        """Return what is known of runs for any image, by what they are for."""
        found = {run: self._told(run, job) for run, job in self.live.items() if counts(job)}
        record = self.record
        if record is not None and record.result != "Running":
            found[record.run] = record
        elif record is not None:
            found.setdefault(record.run, _lost(record))
        return found

    def _run_of(self, job: Manifest) -> str | None:
        """Return what a Job runs for; None where it is another process'.

        The name proves it: what is annotated can be taken away.
        """
        annotated = str((job["metadata"].get("annotations") or {}).get(labels.RUN, ""))
        record = self.record
        candidates = {annotated, self.wanted, record.run if record else ""} - {""}
        names = {job_name(self.environment, self.process, run): run for run in candidates}
        return names.get(job["metadata"]["name"])

    def _told(self, run: str, job: Manifest) -> JobRun:
        """Return what a live Job says of its run."""
        result = result_of(job)
        failure = self.failures.get(job["metadata"]["name"]) or ": ".join(failure_of(job))
        return JobRun(
            process=self.process,
            run=run,
            result=result,
            started_at=job["metadata"].get("creationTimestamp"),
            ended_at=ended_at(job),
            message=failure if result == "Failed" else "",
        )


@dataclass(frozen=True)
class Decision:
    """What becomes of a process that runs to completion.

    Attributes:
        process: Its name.
        run: What it runs, or ran, for.
        name: Name of the Job of that run.
        record: What is to be remembered of that run; None before it has begun.
        job: The live Job of that run; None where there is none.
        starts: Whether its Job is to be made.
        obsolete: Live Jobs of former runs that have to go before it can start.
        waits: Whether it can't start before the Job of a former run has ended or is gone.
    """

    process: str
    run: str = ""
    name: str = ""
    record: JobRun | None = None
    job: Manifest | None = None
    starts: bool = False
    obsolete: tuple[Manifest, ...] = ()
    waits: bool = False

    @property
    def result(self) -> RunResult:
        """How the run ended; `Running` also where it is about to begin."""
        return self.record.result if self.record else "Running"


def decide_job(runs: Runs) -> Decision:
    """Return what becomes of a job: it runs once for an image, and again for each new request.

    A former run that hasn't ended is ended first.
    """
    known, wanted = runs.known(), runs.wanted
    if not runs.requested and known and wanted not in known:
        # The request that it ran for was taken back: that asks for nothing.
        record = runs.record
        wanted = record.run if record and record.run in known else max(known)
    if wanted in known:
        return _made(runs, known[wanted])
    former = runs.unfinished
    return _begun(runs, obsolete=tuple(job for job in former if counts(job)), waits=bool(former))


def decide_release(runs: Runs) -> Decision:
    """Return what becomes of a release: it runs for an image until it has succeeded once.

    A failed one is tried again for a new request only. A former one whose container runs is let
    run to its end, and no other begins meanwhile: half a migration is worse than a late one.
    """
    known = runs.known()
    for result in ("Succeeded", "Running"):
        found = [record for record in known.values() if record.result == result]
        if found:
            return _made(runs, found[0])
    is_new = runs.requested and runs.wanted not in known
    if known and not is_new:
        record = runs.record
        last = record.run if record and record.run in known else max(known)
        return _made(runs, known.get(runs.wanted, known[last]))
    former = runs.unfinished
    idle = tuple(job for job in former if counts(job) and not has_container(job))
    return _begun(runs, obsolete=idle, waits=bool(former))


def _made(runs: Runs, record: JobRun) -> Decision:
    job = runs.live.get(record.run)
    return Decision(
        runs.process,
        record.run,
        job_name(runs.environment, runs.process, record.run),
        record=record,
        job=job if job and counts(job) else None,
    )


def _begun(runs: Runs, *, obsolete: tuple[Manifest, ...], waits: bool) -> Decision:
    return Decision(
        runs.process,
        runs.wanted,
        job_name(runs.environment, runs.process, runs.wanted),
        starts=not waits,
        obsolete=obsolete,
        waits=waits,
    )


def run_id(image: str, requested: str = "") -> str:
    """Return what a process runs for: a digest of the image, and one of when a person asked."""
    digest = text_digest(image, _IMAGE_DIGITS)
    return f"{digest}-{text_digest(requested, _REQUEST_DIGITS)}" if requested else digest


def is_of_image(run: str, image: str) -> bool:
    """Tell whether a run is for that image."""
    return run.partition("-")[0] == run_id(image)


def job_name(environment: Environment, process: str, run: str) -> str:
    """Return the name of the Job of a run: the same for the same run, and no other's."""
    meta = environment.metadata
    return with_digest(f"{meta.name}-{process}", f"{meta.uid}\n{process}\n{run}")


def _lost(record: JobRun) -> JobRun:
    return record.model_copy(update={"result": "Failed", "message": _LOST})
