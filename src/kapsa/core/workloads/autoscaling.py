"""Whether the load decides about the number of pods, and within which bounds."""

from dataclasses import dataclass

from kapsa.models.runtime import Runtime


@dataclass(frozen=True)
class Autoscaler:
    """What a HorizontalPodAutoscaler is told.

    Attributes:
        min_replicas: The fewest pods.
        max_replicas: The most pods.
        target_cpu_utilization: The CPU use that it aims at, in percent of what the pods ask for.
    """

    min_replicas: int = 1
    max_replicas: int = 5
    target_cpu_utilization: int = 80


def autoscaler_of(runtime: Runtime) -> Autoscaler | None:
    """Return what a merged runtime wants, with the defaults; None where it wants no autoscaling."""
    said = runtime.autoscaling
    if said is None or not said.enabled:
        return None
    return Autoscaler(
        min_replicas=said.min_replicas or Autoscaler.min_replicas,
        max_replicas=said.max_replicas or Autoscaler.max_replicas,
        target_cpu_utilization=said.target_cpu_utilization or Autoscaler.target_cpu_utilization,
    )
