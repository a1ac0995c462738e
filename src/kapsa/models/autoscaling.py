"""Let the load decide about the number of pods."""

from typing import Annotated, ClassVar

from pydantic import Field

from kapsa.models.base import Model, Rule


class Autoscaling(Model):
    """A HorizontalPodAutoscaler, which decides about the number of pods."""

    enabled: bool | None = None
    """Whether there is one. Left out: no. Switched off again, the number of pods stays, unless
    `replicas` gives another."""
    min_replicas: Annotated[int, Field(ge=1, le=100, examples=[2])] | None = None
    """The fewest pods. Left out: 1."""
    max_replicas: Annotated[int, Field(ge=1, le=100, examples=[10])] | None = None
    """The most pods. Left out: 5."""
    target_cpu_utilization: Annotated[
        Annotated[int, Field(ge=1, le=1000, examples=[70])] | None,
        Field(alias="targetCPUUtilization"),
    ] = None
    """The CPU use that it aims at, in percent of what the pods ask for, which `resources` must
    say. Left out: 80."""

    rules: ClassVar = (
        Rule(
            "!has(self.minReplicas) || !has(self.maxReplicas)"
            " || self.minReplicas <= self.maxReplicas",
            "minReplicas is more than maxReplicas; lower minReplicas or raise maxReplicas",
        ),
    )
