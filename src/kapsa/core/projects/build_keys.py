"""What environments were to run that Kapsa builds, as it is written down of them."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from kapsa.core import labels
from kapsa.core.builds.keys import key_of
from kapsa.models.environment import Environment


def remembered_keys(
    names: AbstractSet[str],
    environments: Iterable[Environment],
    built: Iterable[Mapping[str, Any]],
) -> frozenset[str]:
    """Return the keys of what environments were to run, and of what was built for them.

    Args:
        names: Names of the environments in question.
        environments: The Environments of their Project.
        built: The objects of its builds.
    """
    references = (
        item.metadata.annotations.get(labels.IMAGE_REFERENCE, "")
        for item in environments
        if item.metadata.name in names
    )
    found = (
        (manifest["metadata"].get("labels") or {}).get(labels.BUILD_KEY, "")
        for manifest in built
        if (manifest["metadata"].get("annotations") or {}).get(labels.BUILT_FOR) in names
    )
    return frozenset(filter(None, (*map(key_of, references), *found)))
