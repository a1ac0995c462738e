"""Finds a preview by its name."""

from kapsa.adapters.cluster import Manifest
from kapsa.adapters.resources import ENVIRONMENTS
from kapsa.cli.previews.objects import own_namespace_name
from kapsa.cli.remote.desk import Desk, NotReadyError


async def find(desk: Desk, name: str) -> Manifest:
    """Return the preview of that name: where the person works, or in a namespace of its own.

    Raises:
        NotReadyError: There is none, or one in each.
    """
    own = own_namespace_name(name, desk.namespace)
    places = [desk.asked] if desk.asked else [desk.namespace, own]
    looked_up = [await desk.cluster.get(ENVIRONMENTS, name, place) for place in places]
    found = [item for item in looked_up if item is not None]
    if not found:
        raise NotReadyError(f"there is no Environment {name} in {' or '.join(places)}")
    if len(found) > 1:
        raise NotReadyError(
            f"there is an Environment {name} in each of {' and '.join(places)}: name the"
            " namespace with --namespace"
        )
    return found[0]
