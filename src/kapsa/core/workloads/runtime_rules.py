"""What a runtime must fulfil beyond its schema: rules that hold of the merged layers only."""

from kapsa.core.jobs.releases import release_problem
from kapsa.core.problems import Problem
from kapsa.core.workloads.autoscaling import autoscaler_of
from kapsa.core.workloads.configuration_rules import mount_problem
from kapsa.core.workloads.process_rules import process_problem
from kapsa.core.workloads.volume_rules import volume_problem
from kapsa.models.runtime import Runtime


def runtime_problem(
    runtime: Runtime, path: str = "spec.runtime", layer: Runtime | None = None
) -> Problem | None:
    """Return what contradicts itself in a merged runtime, and what to do; None where nothing does.

    Args:
        runtime: What all layers give together.
        path: Where it is.
        layer: What is said there, where that is not all.
    """
    return (
        process_problem(runtime, path, layer)
        or autoscaling_problem(runtime, path)
        or mount_problem(runtime, path)
        or volume_problem(runtime, path)
        or release_problem(runtime, path)
    )


def autoscaling_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return how the bounds of the autoscaling contradict each other; None where they don't.

    The API server compares them within one layer only.
    """
    wanted = autoscaler_of(runtime)
    if wanted is None or wanted.min_replicas <= wanted.max_replicas:
        return None
    said = runtime.autoscaling and runtime.autoscaling.max_replicas
    default = "" if said else " by default"
    return Problem(
        f"{path}.autoscaling.minReplicas",
        f"is {wanted.min_replicas}, more than maxReplicas, which is {wanted.max_replicas}{default};"
        " lower minReplicas or raise maxReplicas",
    )
