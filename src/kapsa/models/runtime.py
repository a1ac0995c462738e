"""How the containers of an Environment run."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import ATOMIC_LIST, DnsLabel, Model, Quantity, Rule, map_list, said


class EnvironmentVariable(Model):
    """One variable of the container's environment."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$",
            examples=["LOG_LEVEL"],
            json_schema_extra=said(
                "must be the name of a variable: letters, digits, '_', '.' and '-', not starting"
                " with a digit, '.' or '-'"
            ),
        ),
    ]
    """Name of the variable; names that start with `KAPSA_` are Kapsa's own."""
    value: Annotated[str, Field(max_length=32768, examples=["debug"])] = ""
    """Its value, taken literally."""

    rules: ClassVar = (
        Rule(
            "!self.name.startsWith('KAPSA_')",
            "names that start with KAPSA_ are set by Kapsa; choose another name",
        ),
    )


class ContainerPort(Model):
    """A port that the application listens on."""

    name: Annotated[DnsLabel, Field(max_length=15)] = "http"
    """Name of the port, as the Service shows it."""
    container_port: Annotated[int, Field(ge=1, le=65535, examples=[8080])]
    """Number of the port inside the container."""
    protocol: Literal["TCP", "UDP"] = "TCP"
    """Transport protocol."""


class Resources(Model):
    """What a container asks for, and the most that it gets."""

    requests: Annotated[
        dict[str, Quantity], Field(max_length=8, examples=[{"cpu": "50m", "memory": "64Mi"}])
    ] = Field(default_factory=dict)
    """What the scheduler sets aside, by resource, such as `cpu: 50m`."""
    limits: Annotated[dict[str, Quantity], Field(max_length=8, examples=[{"memory": "256Mi"}])] = (
        Field(default_factory=dict)
    )
    """The most that the container may use, by resource, such as `memory: 256Mi`."""

    rules: ClassVar = (
        Rule(
            " && ".join(
                f"(!has(self.{field}) || self.{field}.all(name, name.contains('/')"
                " || name in ['cpu', 'memory', 'ephemeral-storage']"
                " || name.startsWith('hugepages-')))"
                for field in ("requests", "limits")
            ),
            "a resource is cpu, memory, ephemeral-storage, hugepages-<size>, or has a prefix such"
            " as example.com/gpu",
        ),
    )


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
    """Path of an HTTP GET, whose answer must be 200 to 399. Left out: it is enough that the port
    accepts a connection."""
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
    connection, and is tried every 5 seconds."""
    startup: Probe | None = None
    """The other two wait until it has succeeded once. Left out: none."""


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


class Runtime(Model):
    """How the application runs. A Project's values are defaults that an environment overrides."""

    replicas: Annotated[int, Field(ge=0, le=100, examples=[2])] | None = None
    """Number of pods. Left out: one at first, then whoever scales the Deployment decides."""
    resources: Resources | None = None
    """Requests and limits of the container. Left out: 50m CPU and 64Mi memory asked for, 256Mi
    memory at most."""
    ports: Annotated[
        tuple[ContainerPort, ...],
        Field(max_length=16, json_schema_extra=map_list("name")),
    ] = ()
    """Ports that the application listens on; the URL leads to the first. Left out: 8080."""
    probes: Probes | None = None
    """How it is told whether the container works."""
    autoscaling: Autoscaling | None = None
    """Let the load decide about the number of pods; `replicas`, even 0, is then ignored."""
    command: Annotated[
        tuple[Annotated[str, Field(max_length=4096)], ...],
        Field(max_length=64, examples=[["./serve"]], json_schema_extra=ATOMIC_LIST),
    ] = ()
    """Entry point in place of the image's."""
    args: Annotated[
        tuple[Annotated[str, Field(max_length=4096)], ...],
        Field(max_length=64, examples=[["--port=8080"]], json_schema_extra=ATOMIC_LIST),
    ] = ()
    """Arguments in place of the image's."""
    env: Annotated[
        tuple[EnvironmentVariable, ...],
        Field(max_length=128, json_schema_extra=map_list("name")),
    ] = ()
    """Environment variables, merged by name over those of the Project."""

    rules: ClassVar = (
        Rule(
            "!has(self.ports) || self.ports.all(port, self.ports.exists_one(other,"
            " other.containerPort == port.containerPort && other.protocol == port.protocol))",
            "two ports have the same containerPort and protocol; leave one of them out",
        ),
    )
