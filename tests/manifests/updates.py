"""Valid objects that may not become other valid ones: what breaks a transition rule."""

from collections.abc import Iterator
from typing import Final

from kapsa.models import Environment, Model, Project
from tests.manifests.constraints import root_of
from tests.manifests.invalid import InvalidUpdate, Manifest
from tests.manifests.rules import ROOT, node_at, said
from tests.manifests.valid import MINIMAL, manifest_of

_ISOLATION: Final = "isolation can't be changed; make a new Project"
_PROJECT_REF: Final = "projectRef can't be changed; make a new Environment"
_REFERENCE: Final = {"name": "shop", "namespace": "team-a", "uid": "0b5c"}

_UPDATES: Final[tuple[tuple[str, type[Model], Manifest, Manifest, str, str], ...]] = (
    (
        "a Project that moves out of its namespace",
        Project,
        {"isolation": "Shared"},
        {"isolation": "Project"},
        "spec",
        _ISOLATION,
    ),
    (
        "a Project that moves into its namespace",
        Project,
        {},
        {"isolation": "Shared"},
        "spec",
        _ISOLATION,
    ),
    (
        "a Project whose isolation is left out",
        Project,
        {"isolation": "Shared"},
        {},
        "spec",
        _ISOLATION,
    ),
    (
        "an Environment given to a Project",
        Environment,
        {},
        {"projectRef": _REFERENCE},
        ROOT,
        _PROJECT_REF,
    ),
    (
        "an Environment taken from its Project",
        Environment,
        {"projectRef": _REFERENCE},
        {},
        ROOT,
        _PROJECT_REF,
    ),
    (
        "an Environment given to another Project",
        Environment,
        {"projectRef": _REFERENCE},
        {"projectRef": {**_REFERENCE, "name": "blog"}},
        ROOT,
        _PROJECT_REF,
    ),
    (
        "an Environment given to a Project of another namespace",
        Environment,
        {"projectRef": _REFERENCE},
        {"projectRef": {**_REFERENCE, "namespace": "team-b"}},
        ROOT,
        _PROJECT_REF,
    ),
    (
        "an Environment given to a later Project of the same name",
        Environment,
        {"projectRef": _REFERENCE},
        {"projectRef": {**_REFERENCE, "uid": "77aa"}},
        ROOT,
        _PROJECT_REF,
    ),
)


def update_cases() -> Iterator[InvalidUpdate]:
    """Yield a case for each change that is refused, and one where the whole spec goes."""
    for name, kind, before, after, path, message in _UPDATES:
        old = manifest_of(kind, {**MINIMAL[kind], **before})
        new = manifest_of(kind, {**MINIMAL[kind], **after})
        broken = node_at(kind, path).rule(message)
        yield InvalidUpdate(name, old, new, path, said(message), broken)
    old = manifest_of(Environment, {"projectRef": _REFERENCE})
    new = {key: value for key, value in old.items() if key != "spec"}
    broken = root_of(Environment).rule(_PROJECT_REF)
    name = "an Environment whose spec is taken away"
    yield InvalidUpdate(name, old, new, ROOT, said(_PROJECT_REF), broken)
