"""What each process of a merged runtime must fulfil: what it says has to mean something."""

from collections.abc import Iterator
from typing import Any, Final

from kapsa.core.problems import Problem
from kapsa.core.workloads.processes import Process, processes_of
from kapsa.models.probes import Probe, Probes
from kapsa.models.process import Process as FurtherProcess
from kapsa.models.runtime import Runtime

_FOR_LASTING: Final = ("replicas", "ports", "probes")
"""What means something only of processes that run until they are stopped."""


def process_problem(
    runtime: Runtime, path: str = "spec.runtime", layer: Runtime | None = None
) -> Problem | None:
    """Return what is wrong with a process, and what to do; None where nothing is.

    Args:
        runtime: What all layers give together.
        path: Where it is.
        layer: What is said there, where that is not all.
    """
    said_of = {item.name: item for item in runtime.processes}
    for process in processes_of(runtime):
        said = said_of.get(process.name, runtime)
        where = path if process.is_main else _place(process.name, path, layer or runtime)
        problem = next(_problems(process, said, where), None)
        if problem is not None:
            return problem
    return None


def _place(name: str, path: str, layer: Runtime) -> str:
    names = [item.name for item in layer.processes]
    return f"{path}.processes" + (f"[{names.index(name)}]" if name in names else "")


def _problems(process: Process, said: Runtime | FurtherProcess, path: str) -> Iterator[Problem]:
    who = "the main process" if process.is_main else f"process {process.name}"
    yield from _of_schedule(process, who, path)
    if process.kind != "web" and process.paths:
        yield _misplaced(f"{path}.paths", "kind web", who, process)
    if process.lasts:
        yield from _of_ports(process, path)
        yield from _of_probes(process, path)
        return
    for field in _FOR_LASTING:
        if _is_said(getattr(said, field)):
            yield _misplaced(f"{path}.{field}", "kinds web and worker", who, process)
    if process.autoscaler is not None:
        yield _misplaced(f"{path}.autoscaling.enabled", "kinds web and worker", who, process)


def _is_said(value: Any) -> bool:
    return value is not None and value not in ((), Probes())


def _misplaced(path: str, kinds: str, who: str, process: Process) -> Problem:
    return Problem(path, f"is for {kinds}, and {who} is of kind {process.kind}; leave it out")


def _of_schedule(process: Process, who: str, path: str) -> Iterator[Problem]:
    where = f"{path}.schedule"
    if process.kind == "cron" and not process.schedule:
        yield Problem(
            where, f"is missing, and {who} is of kind cron; say when, such as '0 3 * * *'"
        )
    if process.kind != "cron" and process.schedule:
        yield Problem(
            where,
            f"is for kind cron, and {who} is of kind {process.kind}; leave it out, or set kind to"
            " cron",
        )


def _of_ports(process: Process, path: str) -> Iterator[Problem]:
    """Yield which ports of several layers are the same one; of one layer the schema says it."""
    names: dict[tuple[int, str], str] = {}
    for port in process.ports:
        other = names.setdefault((port.container_port, port.protocol), port.name)
        if other != port.name:
            yield Problem(
                f"{path}.ports",
                f"{other} and {port.name} are both {port.protocol} {port.container_port}; give them"
                " one name, or different numbers",
            )


def _of_probes(process: Process, path: str) -> Iterator[Problem]:
    """Yield which probe asks a port that can't answer: the kubelet reaches TCP ports only.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/probes/#check-mechanisms
    """
    ports = {port.name: port for port in process.ports}
    answering = ", ".join(name for name, port in ports.items() if port.protocol == "TCP")
    remedy = f"name one of: {answering}" if answering else "add a TCP port"
    for kind in Probes.model_fields:
        probe: Probe | None = getattr(process.probes, kind)
        if probe is None:
            continue
        where = f"{path}.probes.{kind}.port"
        if not ports:
            yield Problem(where, f"the container has no ports; {remedy}")
            continue
        asked = ports.get(probe.port or next(iter(ports)))
        if asked is None:
            yield Problem(where, f"the container has no port called {probe.port}; {remedy}")
        elif asked.protocol != "TCP":
            yield Problem(
                where, f"port {asked.name} is {asked.protocol}, which no probe asks; {remedy}"
            )
