"""What the API server and the operator would say of one object."""

from typing import Any

from pydantic import ValidationError

from kapsa.cli.validation.identity import identity_problems
from kapsa.cli.validation.rules import find_broken_rules
from kapsa.cli.validation.schemas import MODELS, as_stored, schema_of
from kapsa.cli.validation.structure import find_misfits
from kapsa.core.problems import Problem
from kapsa.core.projects.spec_checks import check_environment, check_image, check_project
from kapsa.models import API_VERSION, Environment, Model, Project


def find_problems(manifest: dict[str, Any]) -> list[Problem]:
    """Return everything that is wrong with an object of Kapsa, beginning with its identity.

    First as the API server judges a new object: unknown fields, the schema, the CEL rules over the
    defaulted object, except those that compare with a stored one. Where it would take the object,
    also what only the operator can judge.
    """
    problems = list(identity_problems(manifest))
    kind = manifest.get("kind")
    if not isinstance(kind, str) or kind not in MODELS:
        return problems
    schema = schema_of(kind)
    stored = as_stored(schema, {**manifest, "apiVersion": API_VERSION})
    misfits = find_misfits(schema, stored)
    problems += misfits.problems
    problems += find_broken_rules(schema, stored, misfits.broken)
    if problems:
        return problems
    return find_contradictions(MODELS[kind].model_validate(stored))


def read_object(manifest: dict[str, Any]) -> Model | None:
    """Return the object as the operator reads it; None where it can't."""
    kind = manifest.get("kind")
    if not isinstance(kind, str) or kind not in MODELS:
        return None
    try:
        return MODELS[kind].model_validate(as_stored(schema_of(kind), manifest))
    except ValidationError:
        return None


def find_contradictions(item: Model) -> list[Problem]:
    """Return what only the operator can judge of an object."""
    if isinstance(item, Project):
        return [*check_project(item), *check_image(item)]
    if isinstance(item, Environment):
        return list(check_environment(item))
    return []
