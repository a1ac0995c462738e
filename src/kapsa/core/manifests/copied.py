"""A ConfigMap or Secret that is kept beside an Environment, as a copy of one of its Project."""

from dataclasses import replace
from typing import Any

from kapsa.core import labels
from kapsa.core.manifests.context import WorkloadContext, metadata
from kapsa.core.workloads.configuration import Copy


def copied(context: WorkloadContext, copy: Copy) -> dict[str, Any]:
    """Return the copy. It says where its content is from, and nothing of the commit that runs."""
    about = metadata(replace(context, commit=""), copy.name)
    about["annotations"] = {**about.get("annotations", {}), labels.SOURCE: copy.source}
    built = {"apiVersion": "v1", "kind": copy.kind, "metadata": about}
    if copy.type:
        built["type"] = copy.type
    if copy.data:
        built["data"] = dict(copy.data)
    if copy.binary_data:
        built["binaryData"] = dict(copy.binary_data)
    return built
