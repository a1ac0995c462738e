"""The processes of an application: the main one and the further ones, each said in full."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kapsa.core.workloads.autoscaling import Autoscaler, autoscaler_of
from kapsa.models.container import ContainerPort, EnvironmentVariable, Resources
from kapsa.models.probes import Probes
from kapsa.models.process import Process as FurtherProcess
from kapsa.models.process import ProcessKind
from kapsa.models.runtime import Runtime

MAIN: Final = "web"
"""Name of the main process, which the URL leads to."""

DEFAULT_PORT: Final = ContainerPort(name="http", container_port=8080)
"""Where a process listens that answers requests and says nothing of ports."""

DEFAULT_RESOURCES: Final = Resources(
    requests={"cpu": "50m", "memory": "64Mi"}, limits={"memory": "256Mi"}
)

NO_PROBES: Final = Probes()
_LASTING: Final = frozenset({"web", "worker"})


@dataclass(frozen=True)
class Process:
    """A process, with all defaults in their place.

    Attributes:
        name: Its name, which is a label of its pods; `web` for the main one.
        kind: What it is.
        command: Entry point in place of the image's.
        args: Arguments in place of the image's.
        env: Its variables, but for those that Kapsa gives.
        ports: The ports that it listens on.
        probes: How it is told whether it works.
        resources: What its container asks for, and the most that it gets.
        replicas: How many pods it has; None where whoever scales it decides.
        autoscaler: Within which bounds the load decides about that; None where it doesn't.
        schedule: When it runs, for kind `cron`.
        paths: Paths of the host that lead to it.
    """

    name: str
    kind: ProcessKind = "web"
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvironmentVariable, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    probes: Probes = NO_PROBES
    resources: Resources = DEFAULT_RESOURCES
    replicas: int | None = None
    autoscaler: Autoscaler | None = None
    schedule: str = ""
    paths: tuple[str, ...] = ()

    @property
    def is_main(self) -> bool:
        """Whether it is the main process."""
        return self.name == MAIN

    @property
    def lasts(self) -> bool:
        """Whether it runs until it is stopped: a Deployment keeps it."""
        return self.kind in _LASTING

    @property
    def has_several_pods(self) -> bool:
        """Whether it asks for more than one pod at all times."""
        fewest = self.autoscaler.min_replicas if self.autoscaler else self.replicas
        return self.lasts and (fewest or 1) > 1

    @property
    def tells_readiness(self) -> bool:
        """Whether something asks its pods whether they are ready."""
        tried = bool(self.ports) and self.ports[0].protocol == "TCP"
        return tried or self.probes.readiness is not None


def processes_of(runtime: Runtime) -> tuple[Process, ...]:
    """Return the processes of a merged runtime, the main one first."""
    return (main_process(runtime), *(_further(runtime, item) for item in runtime.processes))


def main_process(runtime: Runtime) -> Process:
    """Return the main process of a merged runtime."""
    kind = runtime.kind or "web"
    return Process(
        name=MAIN,
        kind=kind,
        command=runtime.command,
        args=runtime.args,
        env=runtime.env,
        ports=_ports(kind, runtime.ports),
        probes=runtime.probes or NO_PROBES,
        resources=runtime.resources or DEFAULT_RESOURCES,
        replicas=runtime.replicas,
        autoscaler=autoscaler_of(runtime),
        schedule=runtime.schedule or "",
    )


def _further(runtime: Runtime, said: FurtherProcess) -> Process:
    kind = said.kind or "worker"
    return Process(
        name=said.name,
        kind=kind,
        command=said.command,
        args=said.args,
        env=_merged(runtime.env, said.env),
        ports=_ports(kind, said.ports),
        probes=said.probes or NO_PROBES,
        resources=said.resources or runtime.resources or DEFAULT_RESOURCES,
        replicas=said.replicas,
        schedule=said.schedule or "",
        paths=said.paths,
    )


def _ports(kind: ProcessKind, said: tuple[ContainerPort, ...]) -> tuple[ContainerPort, ...]:
    return said or ((DEFAULT_PORT,) if kind == "web" else ())


def _merged(
    base: Iterable[EnvironmentVariable], over: Iterable[EnvironmentVariable]
) -> tuple[EnvironmentVariable, ...]:
    return tuple(({item.name: item for item in base} | {item.name: item for item in over}).values())
