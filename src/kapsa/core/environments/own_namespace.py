"""The namespace that is made for an Environment which stands alone, as `kapsa preview` makes it.

Whoever may write namespaces makes it, and ties it to the Environment; Kapsa furnishes it, and
deletes it after the Environment. It says itself whose it is: of the Environment of one name, in no
other namespace than this one, so that nobody leads Kapsa into a namespace that they can't write.
"""

from collections.abc import Mapping
from typing import Any

from kapsa.core import labels
from kapsa.core.places import Place
from kapsa.core.projects.namespaces import service_account_name
from kapsa.models.environment import Environment


def owner_of(namespace: str, name: str) -> str:
    """Return how a namespace names the Environment that it is made for."""
    return f"Environment/{namespace}/{name}"


def is_made_for(live: Mapping[str, Any], name: str) -> bool:
    """Tell whether a live namespace was made for the Environment of that name in it."""
    metadata = live["metadata"]
    owner = (metadata.get("annotations") or {}).get(labels.OWNER)
    return labels.is_managed(live) and owner == owner_of(metadata["name"], name)


def own_place(environment: Environment, live: Mapping[str, Any] | None) -> Place | None:
    """Return the namespace of an Environment as one to furnish; None where it isn't its own.

    Args:
        environment: An Environment.
        live: Its namespace, as far as that says that it is Kapsa's. One that isn't tied to any
            Environment yet is made for this one; one that is tied to a former one is not.
    """
    meta = environment.metadata
    if live is None or environment.spec.project_ref is not None:
        return None
    if not is_made_for(live, meta.name):
        return None
    tied_to = (live["metadata"].get("labels") or {}).get(labels.OWNER_UID, "")
    if tied_to not in ("", meta.uid):
        return None
    return Place(
        namespace=meta.namespace,
        owner_kind="Environment",
        owner_name=meta.name,
        owner_uid=meta.uid,
        owner=owner_of(meta.namespace, meta.name),
        is_made=True,
        uid=str(live["metadata"].get("uid", "")),
        labels={labels.ENVIRONMENT: meta.name},
        service_account=service_account_name(meta.name),
        registry=environment.spec.registry.name if environment.spec.registry else "",
    )
