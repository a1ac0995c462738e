"""How an application runs."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.autoscaling import Autoscaling
from kapsa.models.base import Model, Rule, map_list
from kapsa.models.configuration import ConfigReference, Volume
from kapsa.models.container import Arguments, ContainerPort, EnvironmentVariable, Resources
from kapsa.models.probes import Probes
from kapsa.models.process import Process, ProcessKind, Release, Schedule


class Security(Model):
    """What the containers may do."""

    run_as_user: Annotated[int, Field(ge=1, le=2147483647, examples=[10001])] | None = None
    """UID that the containers run with. Left out: the image's, which must not be 0."""
    profile: Literal["restricted", "baseline"] | None = None
    """The Pod Security Standard that the pods meet. `baseline` lets the image run as root, and only
    where the operator's setting `KAPSA_POD_SECURITY` allows it. Left out: `restricted`."""


class Runtime(Model):
    """How the application runs. A Project's values are defaults that an environment overrides."""

    kind: ProcessKind | None = None
    """What the main process is. `web`: the host and a Service lead to it. `worker`: it runs, and
    nothing reaches it. `cron`: it runs to completion at each time of `schedule`. `job`: it runs to
    completion once per image, and again when `kapsa-project.io/requestedAt` asks for it. Left out:
    `web`."""
    schedule: Schedule | None = None
    """When a main process of kind `cron` runs."""
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
    command: Annotated[Arguments, Field(examples=[["./serve"]])] = ()
    """Entry point in place of the image's."""
    args: Annotated[Arguments, Field(examples=[["--port=8080"]])] = ()
    """Arguments in place of the image's."""
    env: Annotated[
        tuple[EnvironmentVariable, ...],
        Field(max_length=128, json_schema_extra=map_list("name")),
    ] = ()
    """Environment variables, merged by name over those of the Project."""
    config_refs: Annotated[
        tuple[ConfigReference, ...], Field(max_length=16, json_schema_extra=map_list("name"))
    ] = ()
    """ConfigMaps whose content every process gets; a change of it rolls them. `env` goes over
    it."""
    secret_refs: Annotated[
        tuple[ConfigReference, ...],
        Field(
            max_length=16,
            json_schema_extra=map_list("name"),
            examples=[[{"name": "shop-secrets", "mountPath": "/etc/shop-secrets"}]],
        ),
    ] = ()
    """Secrets whose content every process gets, likewise."""
    processes: Annotated[
        tuple[Process, ...], Field(max_length=8, json_schema_extra=map_list("name"))
    ] = ()
    """Further processes of the same image."""
    release: Release | None = None
    """A command that runs once per image before it is rolled out, such as a migration of the
    database. If it fails, what runs keeps running."""
    security: Security | None = None
    """What the containers may do."""
    volumes: Annotated[
        tuple[Volume, ...], Field(max_length=8, json_schema_extra=map_list("name"))
    ] = ()
    """Volumes of the main process, which then has one pod that ends before the next one starts."""

    rules: ClassVar = (
        Rule(
            "!has(self.ports) || self.ports.all(port, self.ports.exists_one(other,"
            " other.containerPort == port.containerPort && other.protocol == port.protocol))",
            "two ports have the same containerPort and protocol; leave one of them out",
        ),
    )
