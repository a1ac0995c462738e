"""Where the requests of a host lead, and what is written on the route that leads them."""

from dataclasses import dataclass
from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.core.workloads.processes import Process, processes_of
from kapsa.models.domain_pool import DomainPool, Routing
from kapsa.models.environment import Environment
from kapsa.models.ingress import Ingress
from kapsa.models.reasons import Reason
from kapsa.models.runtime import Runtime

PREVIEW: Final = "preview"
_WHOLE_HOST: Final = ("/",)


@dataclass(frozen=True)
class Destination:
    """A process, and the paths of the host that lead to it: at least one."""

    process: Process
    paths: tuple[str, ...]


def destinations(runtime: Runtime, ingress: Ingress) -> tuple[Destination, ...]:
    """Return where the requests of a host lead, the main process first.

    Of several paths that a request fits, routers take the longest.
    """
    found = (
        Destination(process, _paths(process, ingress))
        for process in processes_of(runtime)
        if process.kind == "web"
    )
    return tuple(item for item in found if item.paths)


def _paths(process: Process, ingress: Ingress) -> tuple[str, ...]:
    said = (ingress.paths or _WHOLE_HOST) if process.is_main else process.paths
    return tuple(dict.fromkeys(map(canonical_path, said)))


def canonical_path(path: str) -> str:
    """Return the path without the `/` at its end, which changes nothing of what it stands for.

    Source: https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
    """
    return path.rstrip("/") or "/"


def wants_host(environment: Environment) -> bool:
    """Tell whether the Environment has any use for a host, now or when its `ingress` is enabled."""
    spec = environment.spec
    return bool(destinations(spec.runtime, spec.ingress))


def route_absence(environment: Environment) -> Blocked | None:
    """Return why a host that the Environment holds leads nowhere; None where it leads somewhere."""
    if environment.spec.ingress.enabled is False:
        return Blocked(Reason.INGRESS_DISABLED, Reason.INGRESS_DISABLED.explanation)
    if not wants_host(environment):
        return Blocked(Reason.NOTHING_TO_ROUTE, Reason.NOTHING_TO_ROUTE.explanation)
    return None


def route_annotations(environment: Environment, pool: DomainPool | None) -> dict[str, str]:
    """Return the annotations of the route: the Environment's own, and over them the pool's."""
    said = dict(environment.spec.ingress.annotations)
    if pool is None:
        return said
    routing = pool.spec.routing
    previews = routing.preview_annotations if environment.spec.type == PREVIEW else {}
    return said | routing.annotations | previews


def annotation_refusal(environment: Environment, pool: DomainPool | None) -> Blocked | None:
    """Return which annotation the pool doesn't allow, and what to do; None where it allows all."""
    if pool is None:
        return None
    refused = refused_annotations(environment.spec.ingress, pool.spec.routing)
    if not refused:
        return None
    return Blocked(
        Reason.ANNOTATION_NOT_ALLOWED,
        f"spec.ingress.annotations: {annotation_advice(refused, pool)}",
        stalled=True,
    )


def refused_annotations(ingress: Ingress, routing: Routing) -> tuple[str, ...]:
    """Return the keys of annotations that the DomainPool doesn't allow, in alphabetical order."""
    return tuple(
        key
        for key in sorted(ingress.annotations)
        if not any(_allows(pattern, key) for pattern in routing.allowed_annotations)
    )


def annotation_advice(refused: tuple[str, ...], pool: DomainPool) -> str:
    """Return what to do about annotations that the pool doesn't allow."""
    return (
        f"DomainPool {pool.metadata.name} does not allow {', '.join(refused)}; leave it out, or ask"
        " an admin to add it to spec.routing.allowedAnnotations of the pool"
    )


def _allows(pattern: str, key: str) -> bool:
    """Tell whether a pattern allows a key. A `*` never stands for what comes before the `/`."""
    if pattern.endswith("*"):
        beginning = pattern.removesuffix("*")
        return key.startswith(beginning) and "/" not in key[len(beginning) :]
    return key == pattern
