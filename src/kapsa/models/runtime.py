"""How the containers of an Environment run."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import ATOMIC_LIST, DnsLabel, Model, Quantity, Rule, map_list


class EnvironmentVariable(Model):
    """One variable of the container's environment."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
    """Name of the variable; names that start with `KAPSA_` are Kapsa's own."""
    value: Annotated[str, Field(max_length=32768)] = ""
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
    container_port: Annotated[int, Field(ge=1, le=65535)]
    """Number of the port inside the container."""
    protocol: Literal["TCP", "UDP"] = "TCP"
    """Transport protocol."""


class Resources(Model):
    """What a container asks for, and the most that it gets."""

    requests: Annotated[dict[str, Quantity], Field(max_length=8)] = Field(default_factory=dict)
    """What the scheduler sets aside, by resource, such as `cpu: 50m`."""
    limits: Annotated[dict[str, Quantity], Field(max_length=8)] = Field(default_factory=dict)
    """The most that the container may use, by resource, such as `memory: 256Mi`."""


class Runtime(Model):
    """How the application runs. A Project's values are defaults that an environment overrides."""

    replicas: Annotated[int, Field(ge=0, le=100)] | None = None
    """Number of pods. Left out: one at first, then whoever scales the Deployment decides."""
    resources: Resources | None = None
    """Requests and limits of the container. Left out: 50m CPU and 64Mi memory asked for, 256Mi
    memory at most."""
    ports: Annotated[
        tuple[ContainerPort, ...],
        Field(max_length=16, json_schema_extra=map_list("name")),
    ] = ()
    """Ports that the application listens on; the URL leads to the first. Left out: 8080."""
    command: Annotated[
        tuple[Annotated[str, Field(max_length=4096)], ...],
        Field(max_length=64, json_schema_extra=ATOMIC_LIST),
    ] = ()
    """Entry point in place of the image's."""
    args: Annotated[
        tuple[Annotated[str, Field(max_length=4096)], ...],
        Field(max_length=64, json_schema_extra=ATOMIC_LIST),
    ] = ()
    """Arguments in place of the image's."""
    env: Annotated[
        tuple[EnvironmentVariable, ...],
        Field(max_length=128, json_schema_extra=map_list("name")),
    ] = ()
    """Environment variables, merged by name over those of the Project."""
