"""Names and identities of the Environments of a Project."""

import re
from collections.abc import Set as AbstractSet
from typing import Final

from kapsa.core import labels
from kapsa.models.environment import Environment
from kapsa.utils import names

Identity = tuple[str, str]
"""What an Environment stands for: a kind (below) and its name or number."""

PERMANENT: Final = "permanent"
PULL_REQUEST: Final = "pull request"
BRANCH: Final = "branch"

_PULL_REQUEST_SLUG: Final = re.compile(r"pr-[0-9]+")


def identity(environment: Environment, project: str) -> Identity:
    """Return what an existing Environment of the Project of that name stands for."""
    spec = environment.spec
    if spec.type == PERMANENT:
        instance = environment.metadata.labels.get(labels.INSTANCE)
        return (PERMANENT, instance or environment_slug(environment.metadata.name, project))
    if spec.pull_request is not None:
        return (PULL_REQUEST, str(spec.pull_request.number))
    return (BRANCH, spec.branch or environment.metadata.name)


def environment_slug(name: str, project: str) -> str:
    """Return the part of an Environment's name after its Project's: unique within the Project."""
    return name.removeprefix(f"{project}-")


def identity_slug(wanted: Identity, project: str, reserved: AbstractSet[str]) -> str:
    """Return the part of the name that tells an environment from others of its Project.

    A branch that is called like a pull request's preview (`pr-7`) or like a permanent environment
    (`reserved`) gets a digest, so that the three never meet.
    """
    kind, text = wanted
    if kind == PULL_REQUEST:
        return f"pr-{text}"
    if kind == PERMANENT:
        return text
    limit = names.LABEL_LIMIT - len(project) - 1
    if text in reserved or _PULL_REQUEST_SLUG.fullmatch(text):
        return names.with_digest(text, text, limit)
    return names.slug(text, limit)


def environment_name(project: str, slug: str, taken: AbstractSet[str]) -> str:
    """Return the name of a new Environment: `<project>-<slug>`, with a digest where it is taken.

    Projects of one namespace can want the same name (`a` + `b-c`, `a-b` + `c`): the second one
    gets a name that belongs to its pair alone.
    """
    name = names.join(project, slug)
    return names.join_digested(project, slug) if name in taken else name
