"""Questions by which the kubelet tells whether a container works."""

from typing import Annotated

from pydantic import Field

from kapsa.models.base import DnsLabel, Model, said


class Probe(Model):
    """A question that the kubelet asks the container, again and again.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Probe
    """

    path: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=1024,
                pattern=r"^/[^\s#]*$",
                examples=["/healthz"],
                json_schema_extra=said("must be a path that starts with '/', such as /healthz"),
            ),
        ]
        | None
    ) = None
    """Path of an HTTP GET, whose answer must be 200 to 399. Left out: the port must accept a
    connection."""
    port: Annotated[DnsLabel, Field(examples=["http"])] | None = None
    """Name of the port that is asked, one of TCP. Left out: the first."""
    initial_delay_seconds: Annotated[int, Field(ge=0, le=3600, examples=[5])] | None = None
    """Seconds before the first question. Left out: 0."""
    period_seconds: Annotated[int, Field(ge=1, le=3600, examples=[10])] | None = None
    """Seconds between two questions. Left out: 10."""
    timeout_seconds: Annotated[int, Field(ge=1, le=3600, examples=[2])] | None = None
    """Seconds after which no answer is a bad one. Left out: 1."""
    failure_threshold: Annotated[int, Field(ge=1, le=1000, examples=[3])] | None = None
    """How many bad answers in a row count. Left out: 3."""


class Probes(Model):
    """How it is told whether the container works."""

    liveness: Probe | None = None
    """The container is started again when it fails. Left out: none."""
    readiness: Probe | None = None
    """Requests reach the pod while it succeeds. Left out: the first port must accept a
    connection, every 5 seconds."""
    startup: Probe | None = None
    """The others wait until it has succeeded once. Left out: as readiness, each second for an
    hour."""
