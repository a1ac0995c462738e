"""What every container has: variables, ports, resources."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import ATOMIC_LIST, DnsLabel, Model, Quantity, Rule, said

Arguments = Annotated[
    tuple[Annotated[str, Field(max_length=4096)], ...],
    Field(max_length=64, json_schema_extra=ATOMIC_LIST),
]
"""A command line, or a part of one: each word is passed on as it is, without a shell."""


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
