"""Promotion and rollback: which image, by its digest, a permanent environment is to be told to run.

Nothing here looks at a registry or builds: an image is taken from where it runs, or ran.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kapsa.core.conditions import find
from kapsa.core.projects import naming
from kapsa.models.conditions import ConditionType
from kapsa.models.environment import Environment, HistoryEntry
from kapsa.models.project import PermanentEnvironment, Project
from kapsa.utils.image_reference import is_digest

SHORT: Final = 7
"""Digits of a commit that people are shown."""
_SHORTEST_PREFIX: Final = 4
_VERSION: Final = re.compile(rf"(sha256:)?[0-9a-f]{{{_SHORTEST_PREFIX},64}}")
_PULL_REQUEST: Final = re.compile(r"pr-([0-9]+)")


class PromotionError(ValueError):
    """There is no image to promote or to go back to; the message says why, and what to do."""


@dataclass(frozen=True)
class Pin:
    """What an environment is told to run, whatever it follows.

    Attributes:
        image: The image, by its digest.
        commit: The commit that it is of; nothing where that isn't known.
        result: How its roll-out went where it comes from.
    """

    image: str
    commit: str = ""
    result: str = "Succeeded"

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.image} (commit {self.commit[:SHORT]})" if self.commit else self.image


def identity_of(project: Project, name: str) -> naming.Identity:
    """Return what a person means by a name: a permanent environment, `pr-N`, or a branch."""
    if any(item.name == name for item in project.spec.environments):
        return (naming.PERMANENT, name)
    number = _PULL_REQUEST.fullmatch(name)
    return (naming.PULL_REQUEST, number[1]) if number else (naming.BRANCH, name)


def usual_names(project: Project, identity: naming.Identity) -> tuple[str, ...]:
    """Return the names that the Environment for `identity` can have, the likelier one first."""
    name = project.metadata.name
    reserved = {item.name for item in project.spec.environments}
    slug = naming.identity_slug(identity, name, reserved)
    usual = naming.environment_name(name, slug, frozenset())
    return usual, naming.environment_name(name, slug, {usual})


def permanent(project: Project, name: str) -> PermanentEnvironment:
    """Return the permanent environment of that name.

    Raises:
        PromotionError: There is none: only those can be told to stay at an image.
    """
    for item in project.spec.environments:
        if item.name == name:
            return item
    names = ", ".join(item.name for item in project.spec.environments)
    raise PromotionError(
        f"Project {project.metadata.name} has no permanent environment {name}"
        + (f"; it has {names}" if names else ": spec.environments is empty")
    )


def followed(wanted: PermanentEnvironment) -> str:
    """Return what a permanent environment follows, as people say it."""
    if wanted.promote_from is not None:
        return f"environment {wanted.promote_from}"
    return f"the tags {wanted.tag}" if wanted.tag is not None else f"branch {wanted.branch}"


def proven(source: Environment) -> Pin:
    """Return what an Environment runs and is Ready with.

    Raises:
        PromotionError: It isn't Ready, or runs no image that a digest names.
    """
    meta, status = source.metadata, source.status
    where = f"Environment {meta.namespace}/{meta.name}"
    if meta.deletion_timestamp:
        raise PromotionError(f"{where} is being deleted")
    ready = find(status.conditions, ConditionType.READY)
    if ready is None or ready.observed_generation < meta.generation:
        raise PromotionError(
            f"{where} has changed and is not Ready with that yet; wait until it is"
        )
    if ready.status != "True" or not status.image:
        raise PromotionError(
            f"{where} is not Ready, so what it runs has proved nothing: {ready.reason}:"
            f" {ready.message}"
        )
    return _by_digest(Pin(status.image, status.commit), where)


def former(environment: Environment, told: str, version: str = "") -> Pin:
    """Return the image of a former roll-out.

    Args:
        environment: The Environment, with its history.
        told: The image that it is told to run now.
        version: The beginning of a commit, or of a digest, that is meant; nothing for the newest
            roll-out that succeeded with another image than `told`.

    Raises:
        PromotionError: The history has none, or several, of that kind.
    """
    history = environment.status.history
    where = f"Environment {environment.metadata.namespace}/{environment.metadata.name}"
    succeeded = [item for item in history if item.result == "Succeeded"]
    if not version:
        entry = next((item for item in succeeded if item.image != told), None)
        if entry is None:
            raise PromotionError(f"{where} has run no other image successfully; {_listed(history)}")
        return _by_digest(_pin(entry), where)
    if not _VERSION.fullmatch(version):
        raise PromotionError(
            f"{version!r} is no beginning of a commit or a digest: write at least"
            f" {_SHORTEST_PREFIX} hexadecimal digits"
        )
    matches = [item for item in history if _is_meant(item, version)]
    if not matches:
        raise PromotionError(f"{where} has no roll-out of {version}; {_listed(history)}")
    if len({item.commit or item.image for item in matches}) > 1:
        raise PromotionError(f"{version} means several roll-outs of {where}; {_listed(matches)}")
    return _by_digest(
        _pin(next((item for item in matches if item in succeeded), matches[0])), where
    )


def _is_meant(item: HistoryEntry, version: str) -> bool:
    return item.commit.startswith(version) or item.image.partition("@")[2].startswith(version)


def _pin(item: HistoryEntry) -> Pin:
    return Pin(item.image, item.commit, item.result)


def _by_digest(pin: Pin, where: str) -> Pin:
    if not is_digest(pin.image.partition("@")[2]):
        raise PromotionError(
            f"{where} names its image by a tag ({pin.image}), which could move; only a digest can"
            " be run elsewhere"
        )
    return pin


def _listed(history: Iterable[HistoryEntry]) -> str:
    """Return roll-outs on one line, each once."""
    seen = dict.fromkeys(
        f"{item.commit[:SHORT] or item.image.partition('@')[2][:19]} ({item.result})"
        for item in history
    )
    return f"its history has {', '.join(seen)}" if seen else "its history is empty"
