"""The release: a command that runs once per image, and that the roll-out waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kapsa.core import labels
from kapsa.core.conditions import Blocked, Finding, found, missing
from kapsa.core.environments.history import was_released
from kapsa.core.jobs.jobs import Decision, Runs, decide_release
from kapsa.core.problems import Problem
from kapsa.core.workloads.processes import DEFAULT_RESOURCES, Process
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import RunResult
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime
from kapsa.utils.durations import parse_duration

RELEASE: Final = "release"
"""Name of the release among the processes."""
NO_TROUBLES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class Release:
    """The release of the image that is wanted.

    Attributes:
        process: What it runs.
        seconds: How long it may take.
        runs: What is known of its runs.
        decision: What becomes of it; None where it has succeeded for that image before.
        troubles: Why pods of Jobs don't run, by the names of the Jobs.
    """

    process: Process
    seconds: int
    runs: Runs
    decision: Decision | None
    troubles: Mapping[str, str] = field(default_factory=dict)

    @property
    def result(self) -> RunResult:
        """How it stands."""
        return self.decision.result if self.decision else "Succeeded"

    @property
    def obstacle(self) -> Blocked | None:
        """Why the image is not rolled out yet; None where it has been released."""
        decision = self.decision
        if decision is None or decision.result == "Succeeded":
            return None
        if decision.result == "Failed" and decision.record is not None:
            return Blocked(
                Reason.RELEASE_FAILED,
                f"the release failed; {decision.record.message}. Roll out another image, or set the"
                f" annotation {labels.REQUESTED_AT} to the present time to try again",
                stalled=True,
            )
        if decision.waits:
            return Blocked(
                Reason.RELEASE_RUNNING, "the release waits for the end of that of a former image"
            )
        message = f"the roll-out waits for the release, which is Job {decision.name}"
        trouble = self.troubles.get(decision.name)
        return Blocked(Reason.RELEASE_RUNNING, f"{message}; {trouble}" if trouble else message)

    @property
    def finding(self) -> Finding:
        """The condition of the release."""
        obstacle = self.obstacle
        if obstacle is None:
            return found(ConditionType.RELEASE_SUCCEEDED, Reason.RELEASE_SUCCEEDED)
        return missing(ConditionType.RELEASE_SUCCEEDED, obstacle)


def release_of(
    runs: Runs, since: float | None, troubles: Mapping[str, str] = NO_TROUBLES
) -> Release | None:
    """Return the release of the image that is wanted; None where the runtime has none.

    Args:
        runs: What is known of its runs.
        since: Unix time since which the Environment lives; None where that isn't known.
        troubles: Why pods of Jobs don't run, by the names of the Jobs.
    """
    environment = runs.environment
    process = release_process(environment.spec.runtime)
    if process is None:
        return None
    decision: Decision | None = decide_release(runs)
    if was_released(environment.status.history, environment.spec.image or "", since):
        # Its Job, if there still is one, goes with the roll-out of the next image.
        decision = decision if decision and decision.result == "Succeeded" else None
    said = environment.spec.runtime.release
    seconds = parse_duration(said.timeout) if said else 0
    return Release(process, seconds, runs, decision, troubles)


def release_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return what is wrong with the release of a merged runtime; None where nothing is.

    Args:
        runtime: What all layers give together.
        path: Where it is.
    """
    if runtime.release is None or parse_duration(runtime.release.timeout) >= 1:
        return None
    return Problem(f"{path}.release.timeout", "is 0; give the release a second at least")


def release_process(runtime: Runtime) -> Process | None:
    """Return the release of a merged runtime as a process; None where it has none."""
    said = runtime.release
    if said is None:
        return None
    return Process(
        name=RELEASE,
        kind="job",
        command=said.command,
        args=said.args,
        env=runtime.env,
        resources=runtime.resources or DEFAULT_RESOURCES,
    )
