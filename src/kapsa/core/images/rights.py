"""What Kapsa must be allowed to do on a registry."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kapsa.core.conditions import Blocked
from kapsa.core.images.repositories import image_repository, repository_refusal
from kapsa.models.project import Project
from kapsa.models.registry import Registry
from kapsa.utils.image_reference import parse_reference

PULL: Final = ("pull",)
PUSH: Final = ("pull", "push")
"""Who pushes also asks what is there already."""

MOST_RIGHTS: Final = 20
"""For how many repositories a registry is asked at a time."""


@dataclass(frozen=True, order=True)
class Right:
    """Something to do with one repository.

    Attributes:
        repository: Path on the registry, such as `acme/shop`.
        actions: `pull`, or `pull` and `push`, as the scopes of tokens name them.
    """

    repository: str
    actions: tuple[str, ...] = PULL

    @property
    def scope(self) -> str:
        """The scope of a token for it.

        Source: https://distribution.github.io/distribution/spec/auth/scope/
        """
        return f"repository:{self.repository}:{','.join(self.actions)}"


def rights_of(project: Project, registry: Registry) -> tuple[Right, ...]:
    """Return what a Project needs at its Registry; nothing where that isn't for it."""
    if project.spec.suspend or repository_refusal(project, registry) is not None:
        return ()
    template = project.spec.build.image
    if template is not None:
        # Its tag isn't one yet, and doesn't matter.
        return (Right(parse_reference(template.rpartition(":")[0]).path, PULL),)
    place = image_repository(project, registry)
    if isinstance(place, Blocked):
        return ()
    path = place.partition("/")[2]
    return (Right(path, PUSH), Right(path, PULL))


def asked_for(rights: Iterable[Right], actions: tuple[str, ...]) -> tuple[Right, ...]:
    """Return the rights to do `actions` for which a registry is asked: the first twenty."""
    return tuple(sorted(right for right in rights if right.actions == actions))[:MOST_RIGHTS]
