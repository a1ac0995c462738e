"""Whether what the layers of a Project give together is still within the bounds of one."""

from collections.abc import Callable, Iterator
from functools import partial

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from kapsa.core.problems import Problem
from kapsa.core.projects.merge import merge_ingress, merge_runtime
from kapsa.models.project import Project


def merge_problems(project: Project) -> Iterator[Problem]:
    """Yield which lists and maps of a Project are too long once they are merged.

    While there is any, what runs can't be told: `merge_runtime` and `merge_ingress` refuse it.
    """
    spec, previews = project.spec, project.spec.preview_environments
    layers = [
        (item.runtime, item.ingress, f"spec.environments[{index}]")
        for index, item in enumerate(spec.environments)
    ]
    if previews.enabled:
        layers.append((previews.runtime, previews.ingress, "spec.previewEnvironments"))
    for runtime, ingress, path in layers:
        yield from _too_long(partial(merge_runtime, spec.runtime, runtime), f"{path}.runtime")
        yield from _too_long(partial(merge_ingress, spec.ingress, ingress), f"{path}.ingress")


def _too_long(merge: Callable[[], object], path: str) -> Iterator[Problem]:
    try:
        merge()
    except ValidationError as error:
        for one in error.errors():
            field = ".".join(to_camel(str(name)) for name in one["loc"])
            yield Problem(
                f"{path}.{field}",
                f"has {len(one['input'])} items together with what it is merged with, and"
                f" {one['ctx']['max_length']} are the most; leave some out",
            )
