"""What a runtime must fulfil beyond its schema: rules that hold of the merged layers only."""

from kapsa.core.autoscaling import autoscaler_of
from kapsa.core.manifests.context import DEFAULT_PORT
from kapsa.core.problems import Problem
from kapsa.models.runtime import Probes, Runtime


def runtime_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return what contradicts itself in a merged runtime, and what to do; None where nothing does.

    Args:
        runtime: What all layers give together.
        path: Where it is.
    """
    return probe_problem(runtime, path) or autoscaling_problem(runtime, path)


def probe_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return which probe asks a port that can't answer, and what to do; None where none does.

    The kubelet reaches TCP ports only:
    https://kubernetes.io/docs/concepts/workloads/pods/probes/#check-mechanisms
    """
    ports = {port.name: port for port in runtime.ports or (DEFAULT_PORT,)}
    answering = ", ".join(name for name, port in ports.items() if port.protocol == "TCP")
    first = next(iter(ports))
    remedy = f"name one of: {answering}" if answering else "add a TCP port"
    for kind in Probes.model_fields:
        probe = getattr(runtime.probes, kind, None)
        if probe is None:
            continue
        where = f"{path}.probes.{kind}.port"
        if probe.port is not None and probe.port not in ports:
            return Problem(where, f"the container has no port called {probe.port}; {remedy}")
        asked = ports[probe.port or first]
        if asked.protocol != "TCP":
            return Problem(
                where, f"port {asked.name} is {asked.protocol}, which no probe asks; {remedy}"
            )
    return None


def autoscaling_problem(runtime: Runtime, path: str = "spec.runtime") -> Problem | None:
    """Return how the bounds of the autoscaling contradict each other; None where they don't.

    The API server compares them within one layer only.
    """
    wanted = autoscaler_of(runtime)
    if wanted is None or wanted.min_replicas <= wanted.max_replicas:
        return None
    said = runtime.autoscaling and runtime.autoscaling.max_replicas
    default = "" if said else " by default"
    return Problem(
        f"{path}.autoscaling.minReplicas",
        f"is {wanted.min_replicas}, more than maxReplicas, which is {wanted.max_replicas}{default};"
        " lower minReplicas or raise maxReplicas",
    )
