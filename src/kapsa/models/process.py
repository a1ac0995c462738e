"""Further processes of an application, from the same image."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import ATOMIC_LIST, DnsLabel, Duration, Model, Rule, map_list, said
from kapsa.models.container import Arguments, ContainerPort, EnvironmentVariable, Resources
from kapsa.models.probes import Probes

ProcessKind = Literal["web", "worker", "cron", "job"]

Schedule = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        pattern=r"^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)"
        r"|[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4})$",
        examples=["0 3 * * *"],
        json_schema_extra=said(
            "must be a schedule of cron with five fields, such as '0 3 * * *', or one of @hourly,"
            " @daily, @weekly, @monthly, @yearly"
        ),
    ),
]
"""When a job runs, in UTC.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

Path = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        pattern=r"^(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$",
        examples=["/api"],
        json_schema_extra=said(
            "must be a path that starts with '/', such as /api, of letters, digits and '._~-',"
            " without empty parts, '.' and '..'"
        ),
    ),
]
"""Beginning of the path of requests, whole parts of it: `/api` is that and all below it."""


class Process(Model):
    """A further process of the image, beside the main one."""

    name: Annotated[DnsLabel, Field(max_length=30, examples=["worker"])]
    """Name of the process; part of the names of its objects."""
    kind: ProcessKind | None = None
    """`web`: it answers requests below `paths`. `worker`: it runs, and nothing reaches it. `cron`:
    it runs to completion at each time of `schedule`. `job`: it runs to completion once per image,
    and again when `kapsa-project.io/requestedAt` asks for it. Left out: `worker`."""
    schedule: Schedule | None = None
    """When a `cron` runs."""
    command: Annotated[Arguments, Field(examples=[["./worker"]])] = ()
    """Entry point in place of the image's."""
    args: Annotated[Arguments, Field(examples=[["--queue=mail"]])] = ()
    """Arguments in place of the image's."""
    replicas: Annotated[int, Field(ge=0, le=100, examples=[2])] | None = None
    """Number of pods, for kinds `web` and `worker`. Left out: one at first, then whoever scales the
    Deployment decides."""
    resources: Resources | None = None
    """Requests and limits of the container. Left out: those of the main process."""
    ports: Annotated[
        tuple[ContainerPort, ...], Field(max_length=8, json_schema_extra=map_list("name"))
    ] = ()
    """Ports that it listens on. Left out: 8080 for kind `web`, none for the others."""
    probes: Probes | None = None
    """How it is told whether the container works, for kinds `web` and `worker`."""
    env: Annotated[
        tuple[EnvironmentVariable, ...], Field(max_length=64, json_schema_extra=map_list("name"))
    ] = ()
    """Environment variables, merged by name over those of the main process."""
    paths: Annotated[tuple[Path, ...], Field(max_length=8, json_schema_extra=ATOMIC_LIST)] = ()
    """Paths of the Environment's host that lead to its first port, for kind `web`. Left out: none;
    it is reached inside the cluster, by its Service."""

    rules: ClassVar = (
        Rule(
            "!(self.name in ['web', 'release'])",
            "web is the name of the main process, and release that of the release; choose another",
        ),
        Rule(
            "!has(self.ports) || self.ports.all(port, self.ports.exists_one(other,"
            " other.containerPort == port.containerPort && other.protocol == port.protocol))",
            "two ports have the same containerPort and protocol; leave one of them out",
        ),
    )


class Release(Model):
    """A command that runs once per image, before the image is rolled out."""

    command: Annotated[Arguments, Field(min_length=1, examples=[["./migrate"]])]
    """Entry point in place of the image's."""
    args: Annotated[Arguments, Field(examples=[["--all"]])] = ()
    """Arguments in place of the image's."""
    timeout: Annotated[Duration, Field(examples=["10m"])] = "10m"
    """How long it may take; then it has failed."""
