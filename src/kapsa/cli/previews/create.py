"""`kapsa preview create`: makes a preview, or changes it, as often as it is asked to."""

from dataclasses import dataclass

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.errors import AdapterError
from kapsa.adapters.resources import ENVIRONMENTS, NAMESPACES
from kapsa.cli.previews.objects import Wanted, environment, namespace
from kapsa.cli.remote.desk import CommandError, Desk
from kapsa.cli.remote.waiting import Patience, until_gone
from kapsa.core import labels
from kapsa.core.environments.own_namespace import is_made_for

_MOST_ROUNDS = 5


@dataclass(frozen=True)
class Made:
    """What was written.

    Attributes:
        live: The Environment.
        what: `created`, `configured` or `unchanged`, as kubectl says it.
    """

    live: Manifest
    what: str


async def create(patience: Patience, wanted: Wanted) -> Made:
    """Bring the Environment to what is wanted.

    Raises:
        CommandError: The Environment is a Project's.
        NotReadyError: A former one of the name is still being deleted.
    """
    desk = patience.desk
    before = await desk.cluster.get(ENVIRONMENTS, wanted.name, wanted.namespace)
    if before is not None and before["metadata"].get("deletionTimestamp"):
        desk.say(f"waiting for a former Environment {wanted.name} to be gone")
        await until_gone(patience, before)
        before = None
    _refuse_a_projects(before, wanted)
    uid = before["metadata"]["uid"] if before else ""
    live = await desk.cluster.apply(environment(wanted), uid=uid)
    if before is None:
        return Made(live, "created")
    versions = (item["metadata"]["resourceVersion"] for item in (before, live))
    return Made(live, "unchanged" if len(set(versions)) == 1 else "configured")


async def create_with_namespace(patience: Patience, wanted: Wanted) -> Made:
    """Bring the Environment to what is wanted, in a namespace that goes with it.

    The namespace comes first, without the UID that has the operator delete it; it gets that once
    there is the Environment. Whoever is interrupted asks again.

    Raises:
        CommandError: The namespace is somebody else's, or the Environment a Project's.
        NotReadyError: A former one of the name is still being deleted.
    """
    for _ in range(_MOST_ROUNDS):
        made = await _namespace(patience, wanted)
        result = await _create_in(made, patience, wanted)
        uid = result.live["metadata"]["uid"]
        made = await _apply_namespace(patience.desk, made, wanted, uid)
        if not made["metadata"].get("deletionTimestamp"):
            return result
        # It was to go with an Environment of before, and nothing takes that back.
    raise CommandError(
        f"namespace {wanted.namespace} is deleted each time it is made; look who does it"
    )


async def _create_in(made: Manifest, patience: Patience, wanted: Wanted) -> Made:
    try:
        return await create(patience, wanted)
    except AdapterError:
        patience.desk.say(
            f"namespace {made['metadata']['name']} stays: the same command takes it up again, and"
            " kubectl delete namespace removes it"
        )
        raise


async def _namespace(patience: Patience, wanted: Wanted) -> Manifest:
    """Return the namespace; it doesn't go with an Environment of before any more."""
    desk = patience.desk
    live = await desk.cluster.get(NAMESPACES, wanted.namespace)
    if live is not None and live["metadata"].get("deletionTimestamp"):
        desk.say(f"waiting for a former namespace {wanted.namespace} to be gone")
        await until_gone(patience, live)
        live = None
    if live is None:
        return await desk.cluster.apply(namespace(wanted.namespace, wanted.name))
    if not is_made_for(live, wanted.name):
        raise CommandError(
            f"namespace {wanted.namespace} exists and was not made for the preview {wanted.name};"
            " it is left alone. Name another with --namespace, or leave --own-namespace out"
        )
    tied_to = (live["metadata"].get("labels") or {}).get(labels.OWNER_UID, "")
    found = await desk.cluster.get(ENVIRONMENTS, wanted.name, wanted.namespace)
    if found is None or found["metadata"]["uid"] != tied_to:
        return await _apply_namespace(desk, live, wanted)
    return live


async def _apply_namespace(
    desk: Desk, live: Manifest, wanted: Wanted, owner_uid: str = ""
) -> Manifest:
    manifest = namespace(wanted.namespace, wanted.name, owner_uid)
    return await desk.cluster.apply(manifest, uid=live["metadata"]["uid"])


def _refuse_a_projects(live: Manifest | None, wanted: Wanted) -> None:
    """Raise where an Environment is made by a Project, which would change it back."""
    project = ((live or {}).get("spec") or {}).get("projectRef")
    if project:
        raise CommandError(
            f"Environment {wanted.namespace}/{wanted.name} is made by Project"
            f" {project.get('namespace')}/{project.get('name')}; choose another name"
        )
