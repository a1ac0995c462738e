"""The PersistentVolumeClaim of a volume of the main process."""

from dataclasses import replace
from typing import Any, Final

from kapsa.core import labels
from kapsa.core.manifests.context import WorkloadContext, metadata
from kapsa.models.configuration import Volume
from kapsa.models.environment import Environment
from kapsa.utils.names import join_digested

DEFAULT_SIZE: Final = "1Gi"


def volume_claim_name(environment: str, volume: str) -> str:
    """Return the name of the claim: the same one whenever an Environment of that name returns."""
    return join_digested(environment, volume)


def keeper(environment: Environment) -> str:
    """Return the annotation that says which Environment a retained claim is for."""
    return f"Environment/{environment.metadata.namespace}/{environment.metadata.name}"


def persistent_volume_claim(
    context: WorkloadContext, volume: Volume, size: str = DEFAULT_SIZE
) -> dict[str, Any]:
    """Return the claim. With `retain` no owner takes it along: it only names the Environment.

    Args:
        context: What all objects of the Environment have in common.
        volume: The volume.
        size: How large it is where the volume doesn't say.
    """
    # It outlives commits, so it says nothing of the one that runs.
    built = metadata(replace(context, commit=""), volume_claim_name(context.name, volume.name))
    if volume.retain:
        del built["ownerReferences"]
        built["labels"] = built["labels"] | {labels.RETAIN: "true"}
        built["annotations"] = built.get("annotations", {}) | {
            labels.OWNER: keeper(context.environment)
        }
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.size or size}},
    }
    if volume.storage_class_name:
        spec["storageClassName"] = volume.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": built,
        "spec": spec,
    }
