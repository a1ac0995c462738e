"""The plan of the namespaces of a Project, and of what is made once for each."""

from collections.abc import Iterable, Iterator

from kapsa.cli.planning.known import PlanInput
from kapsa.cli.planning.values import UNKNOWN_UID, PlannedEnvironment, PlannedPlace
from kapsa.core.drift import stamp
from kapsa.core.manifests.namespace import namespace
from kapsa.core.places import place_of
from kapsa.core.projects.furnishings import furnishings
from kapsa.core.projects.namespaces import common_namespace, environment_namespace


def places(known: PlanInput, environments: Iterable[PlannedEnvironment]) -> Iterator[PlannedPlace]:
    """Yield each namespace in which Environments live, or no longer live.

    Args:
        known: What the plan is made from.
        environments: What becomes of the Environments.
    """
    if common_namespace(known.project):
        yield _place(known, "")
        return
    for item in environments:
        if item.action == "delete":
            yield PlannedPlace(item.namespace, is_wanted=False)
        elif item.action != "wait":
            yield _place(known, item.name)


def _place(known: PlanInput, environment: str) -> PlannedPlace:
    name = environment_namespace(known.project, environment)
    place = place_of(known.project, environment, known.namespaces.get(name, UNKNOWN_UID))
    made = namespace(known.project, environment, pod_security=known.rules.pod_security)
    return PlannedPlace(
        name=name,
        manifest=stamp(made) if place.is_made else None,
        objects=furnishings(place, known.rules, known.pool, known.pull_secret),
        uid=place.uid if place.is_made else known.project.metadata.uid,
    )
