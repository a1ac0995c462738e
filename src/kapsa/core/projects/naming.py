"""Names and identities of the Environments of a Project."""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache
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


def identity(
    environment: Environment, project: str, reserved: AbstractSet[str] = frozenset()
) -> Identity:
    """Return what an existing Environment of the Project of that name stands for.

    What has the name of a permanent environment (`reserved`) is that environment, whatever its
    labels and its spec say: nobody loses production by an edit of a label.
    """
    spec = environment.spec
    for name in reserved:
        if environment.metadata.name in _names(project, name):
            return (PERMANENT, name)
    if spec.type == PERMANENT:
        instance = environment.metadata.labels.get(labels.INSTANCE)
        return (PERMANENT, instance or environment_slug(environment.metadata.name, project))
    if spec.pull_request is not None:
        return (PULL_REQUEST, str(spec.pull_request.number))
    return (BRANCH, spec.branch or environment.metadata.name)


def is_preview(wanted: Identity) -> bool:
    """Tell whether it is one that comes and goes."""
    return wanted[0] != PERMANENT


def by_identity(
    environments: Iterable[Environment], project: str, reserved: AbstractSet[str]
) -> tuple[dict[Identity, Environment], tuple[Environment, ...]]:
    """Return a Project's Environments by what they stand for, and the superfluous ones.

    Of several that stand for the same, one counts that isn't being deleted, that has the name which
    Kapsa would give it, and that is the oldest, in this order.
    """
    candidates: dict[Identity, list[Environment]] = {}
    for environment in environments:
        candidates.setdefault(identity(environment, project, reserved), []).append(environment)
    chosen: dict[Identity, Environment] = {}
    superfluous: list[Environment] = []
    for wanted, items in candidates.items():
        usual = _names(project, identity_slug(wanted, project, reserved))
        first, *others = sorted(items, key=lambda item: _precedence(item, usual))
        chosen[wanted] = first
        superfluous += others
    return chosen, tuple(superfluous)


def _precedence(environment: Environment, usual: tuple[str, str]) -> tuple[bool, bool, str, str]:
    meta = environment.metadata
    return (
        meta.deletion_timestamp is not None,
        meta.name not in usual,
        meta.creation_timestamp,
        meta.name,
    )


@lru_cache(maxsize=4096)
def _names(project: str, slug: str) -> tuple[str, str]:
    """Return the two names that `environment_name` chooses from."""
    return names.join(project, slug), names.join_digested(project, slug)


def environment_slug(name: str, project: str) -> str:
    """Return the part of an Environment's name after its Project's: unique within the Project."""
    return name.removeprefix(f"{project}-")


def identity_slug(wanted: Identity, project: str, reserved: AbstractSet[str]) -> str:
    """Return the part of the name that tells an environment from others of its Project.

    A branch that is called like a pull request's preview (`pr-7`), and whatever would be called
    like a permanent environment (`reserved`), gets a digest, so that the three never meet.
    """
    kind, text = wanted
    if kind == PERMANENT:
        return text
    limit = names.LABEL_LIMIT - len(project) - 1
    if kind == PULL_REQUEST:
        slug = f"pr-{text}"
    elif _PULL_REQUEST_SLUG.fullmatch(text):
        slug = names.with_digest(text, text, limit)
    else:
        slug = names.slug(text, limit)
    return names.with_digest(slug, f"{kind}\n{text}", limit) if slug in reserved else slug


def environment_name(project: str, slug: str, taken: AbstractSet[str]) -> str:
    """Return the name of a new Environment: `<project>-<slug>`, with a digest where it is taken.

    Projects of one namespace can want the same name (`a` + `b-c`, `a-b` + `c`): the second one
    gets a name that belongs to its pair alone.
    """
    usual, second = _names(project, slug)
    return second if usual in taken else usual
